"""What the fault commands have in common: a seed, the commit, a system with its newsroom."""

import argparse
import random
import secrets
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from local.paths import ROOT
from local.system import System
from tests.faults.newsroom import Newsroom


def parser(module: str, text: str | None, plant: str) -> argparse.ArgumentParser:
    """The options that each command has: --seed and --plant."""
    made = argparse.ArgumentParser(prog=f"python -m tests.faults.{module}", description=text)
    made.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    made.add_argument("--plant", action="store_true", help=plant)
    return made


def commit() -> str:
    """The commit that is tested, `-dirty` where files were changed."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"  # noqa: S603 - our own fixed command


class Steps:
    """Says what is being done, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        print(f"{time.monotonic() - self._began:6.1f} s  {text}", flush=True)


@asynccontextmanager
async def opened(
    seed: int,
    people: int = 12,
    extra: Mapping[str, str] | None = None,
    ports: Mapping[str, int] | None = None,
) -> AsyncIterator[Newsroom]:
    """A system of its own with a newsroom in it.

    Args:
        seed: of the traffic.
        people: how many customers write.
        extra: further environment of every process.
        ports: as for System, where somebody must know them before.
    """
    with tempfile.TemporaryDirectory(prefix="cdmx-faults-") as folder:
        async with (
            System(ports=ports, extra=extra) as system,
            Newsroom(system, random.Random(seed), Path(folder), people) as room,  # noqa: S311 - reproducible traffic
        ):
            yield room
