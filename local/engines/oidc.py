"""The identity provider: npm's oidc-provider, an OpenID-certified server, with the people and services of local/oidc.

Tokens are signed with the keys of `.local/secrets`, so they outlive a restart.
"""

import os
import shutil
from pathlib import Path

from local import secrets
from local.install import Say, ensure, need, recipe, run, silent
from local.paths import ROOT, TOOLS
from local.process import Server

NAME = "oidc"
READY_S = 60.0
AUDIENCE = "desk-api"
_HERE = ROOT / "local" / "oidc"
_FILES = ("package.json", "package-lock.json", ".npmrc")
_WITHOUT = (
    "nadie puede entrar: no hay proveedor de identidad",
    "nobody can sign in: there is no identity provider",
)


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """Its packages, exactly as the lock file names them."""
    need("node", _WITHOUT, "nodejs")

    def build(folder: Path) -> None:
        say("oidc-provider: desde npm / from npm")
        for name in _FILES:
            shutil.copy(_HERE / name, folder / name)
        run([need("npm", _WITHOUT, "npm"), "ci", "--no-progress"], folder)

    ensure(tools / NAME, recipe(*(_HERE / name for name in _FILES)), build, say)


def server(
    port: int,
    data: Path,
    tools: Path = TOOLS,
    made: secrets.Secrets | None = None,
    console: str = "http://127.0.0.1:5173",
) -> Server:
    """The process.

    Args:
        port: its port; the issuer is `http://127.0.0.1:<port>`.
        data: folder of its log.
        tools: where it is installed.
        made: this machine's secrets; None makes some under `data`.
        console: origin of the agents' console, the only one that may sign people in.
    """
    issuer = f"http://127.0.0.1:{port}"
    data.mkdir(parents=True, exist_ok=True)
    settings = secrets.provider_settings(made or secrets.ensure(data), issuer, port, AUDIENCE, console)
    program = tools / NAME / "server.mjs"  # beside its node_modules, where Node looks for them
    shutil.copy(_HERE / "server.mjs", program)
    return Server(
        name=NAME,
        argv=[need("node", _WITHOUT, "nodejs"), str(program), str(settings)],
        url=issuer,
        health="/.well-known/openid-configuration",
        env={"PATH": os.environ["PATH"], "NODE_ENV": "production"},
        log=data / "oidc.log",
    )
