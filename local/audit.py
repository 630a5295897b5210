"""`make audit`: the independent audit of the running system (`cdmx audit`), with its settings and an agent's token."""

import asyncio
import os
import sys
from collections.abc import Mapping

from local import ports, secrets, tokens
from local.paths import ROOT, STATE
from local.plan import Plan


async def verdict(env: Mapping[str, str], token: str) -> tuple[bool, str]:
    """Wait until the system is at rest and audit it: whether all is well, and what the auditor said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops",
        "audit",
        env={**env, "AUDIT_TOKEN": token},
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode("utf-8", "replace").strip()
    return process.returncode == 0, output


def main() -> None:
    """Audit the system that `make up` runs from this folder. Exit 1 where anything is lost, doubled or out of order."""
    made, table = secrets.ensure(STATE), ports.chosen(os.environ)
    plan = Plan(STATE, table, made, "local-", f"http://127.0.0.1:{table['opensearch']}", {})
    token = tokens.fetch(plan.url("oidc"), "agent", made.clients["agent"])
    well, output = asyncio.run(verdict(plan.environment(), token))
    print(output)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
