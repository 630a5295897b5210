"""`python -m local.setup [engine ...]`: has the engines installed, says so, or says what stops it."""

import shutil
import sys
import time
from pathlib import Path

from local import trouble
from local.engines import clamd, dynamodb_local, elasticmq, ministack, oidc, opensearch, versitygw
from local.engines.base import Installable
from local.install import Say
from local.paths import TOOLS

RUNNING = (ministack, opensearch, clamd, oidc)  # what `make up` starts
TESTED = (*RUNNING, elasticmq, dynamodb_local)
_NEEDED = 1_500_000_000  # bytes that a first installation takes, downloads included
DATA_NEEDS = 200_000_000  # bytes: a day of the newsroom with its logs and room to save

_ALL: dict[str, Installable] = {engine.NAME: engine for engine in (*TESTED, versitygw)}


def install(names: tuple[str, ...], say: Say, tools: Path = TOOLS) -> None:
    """Have these engines. Raises Trouble."""
    first = any(not (tools / name).exists() for name in names)
    tools.mkdir(parents=True, exist_ok=True)
    need_room(tools, _NEEDED if first else DATA_NEEDS)
    for name in names:
        _ALL[name].install(tools, say)


def need_room(where: Path, needed: int) -> None:
    """Raises Trouble where the disk has less free than needed bytes."""
    if shutil.disk_usage(where).free < needed:
        raise trouble.disk_full(where)


def main() -> None:
    """Install what is named, else what the tests need."""
    names = tuple(sys.argv[1:]) or tuple(engine.NAME for engine in TESTED)
    began = time.monotonic()
    try:
        install(names, lambda line: print(f"· {line}", flush=True))
    except trouble.Trouble as problem:
        sys.exit(str(problem))
    print(f"· motores listos / engines ready: {', '.join(names)} ({time.monotonic() - began:.1f} s)")


if __name__ == "__main__":
    main()
