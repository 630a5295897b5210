"""`python -m twin.audit`: compare what the outside world saw with what the product kept, on a running system.

Reads CDMX_DESK_URL, CDMX_OPENSEARCH_URL, CDMX_TWIN_URL, CDMX_PREFIX, CDMX_ACCOUNT, AUDIT_TOKEN and the usual
AWS_* variables. The last line is the verdict; exit 1 when anything is lost, duplicated, out of order or wrong.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from twin.audit.api import Api
from twin.audit.history import read
from twin.audit.observed import Acknowledged, Observed
from twin.audit.stores import Stores
from twin.audit.verdict import COUNTED, Verdict, judge

_SHOWN = 40
_PAUSE_S = 1.0
_CALM = 3  # looks in a row


def main() -> int:
    """Wait until the system is at rest, look, judge, tell."""
    options = _options()
    prefix, account = os.environ["CDMX_PREFIX"], os.environ["CDMX_ACCOUNT"]
    stores = Stores(prefix, account)
    left = _rest(stores, options.wait)
    verdict = asyncio.run(_audit(stores, prefix, options))
    _tell(verdict, left, as_json=options.json)
    return 0 if verdict.passed and not left else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m twin.audit", description=__doc__)
    parser.add_argument(
        "--wait", type=float, default=120, help="seconds to wait for the system to be at rest"
    )
    parser.add_argument(
        "--acks", type=Path, help="JSON lines {message_id, text} of what the desk acknowledged"
    )
    parser.add_argument(
        "--ticks", type=Path, help="JSON object: message_id -> states as a live client saw them"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    return parser.parse_args()


def _rest(stores: Stores, seconds: float) -> list[str]:
    """What is still under way when patience ends; [] when all is at rest."""
    until = time.monotonic() + seconds
    calm = 0
    while True:
        left = stores.under_way()
        calm = 0 if left else calm + 1
        if calm >= _CALM or time.monotonic() > until:
            return left
        time.sleep(_PAUSE_S)


async def _audit(stores: Stores, prefix: str, options: argparse.Namespace) -> Verdict:
    async with aiohttp.ClientSession() as session:
        api = Api(
            session,
            os.environ["CDMX_DESK_URL"],
            os.environ["CDMX_OPENSEARCH_URL"],
            os.environ["CDMX_TWIN_URL"],
            os.environ["AUDIT_TOKEN"],
        )
        history = read(await api.history())
        listed = await asyncio.to_thread(stores.messages)
        messages, unreadable = await api.messages([each.message_id for each in listed])
        observed = Observed(
            raw=await asyncio.to_thread(stores.raw),
            messages=messages,
            documents=await api.documents(f"{prefix}desk-msgs"),
            parked=await asyncio.to_thread(stores.parked),
            acknowledged=_acks(options.acks),
            routes=await asyncio.to_thread(stores.routes),
            files=await asyncio.to_thread(stores.files),
            ticks=json.loads(options.ticks.read_text()) if options.ticks else {},
            unreadable=unreadable,
            threads=await api.threads(each.conversation_id for each in messages),
            beside=await asyncio.to_thread(stores.beside),
            conversations=await api.named(await asyncio.to_thread(stores.conversations)),
            cards={each.id: each.source for each in await api.documents(f"{prefix}desk-convs")},
            strays=await asyncio.to_thread(stores.strays),
            poison=await asyncio.to_thread(stores.poison),
            breakers=await asyncio.to_thread(stores.breakers),
            writes_known=options.acks is not None,
        )
        return judge(history, observed)


def _acks(path: Path | None) -> list[Acknowledged]:
    if path is None:
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return [Acknowledged(each["message_id"], each["text"]) for each in lines]


def _tell(verdict: Verdict, left: list[str], *, as_json: bool) -> None:
    shown = [f for f in verdict.findings if f.fault not in COUNTED] + [
        f for f in verdict.findings if f.fault in COUNTED
    ]
    if as_json:
        rows = [
            {"invariant": f.invariant, "fault": f.fault, "subject": f.subject, "detail": f.detail}
            for f in shown
        ]
        print(json.dumps({"findings": rows, "under_way": left, "written": verdict.written}))
    elif shown:
        table = Table("invariant", "fault", "subject", "detail")
        for f in shown[:_SHOWN]:
            table.add_row(str(f.invariant), f.fault, f.subject, f.detail)
        Console(stderr=True).print(table)
    if left:
        print(f"audit: not at rest: {', '.join(left)}")
    print(verdict.line())


if __name__ == "__main__":
    sys.exit(main())
