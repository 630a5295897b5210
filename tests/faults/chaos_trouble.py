"""What goes wrong in chaos-record beside kills: throttling, lost answers, expired credentials, a full disk."""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from aiohttp import web

from tests.faultproxy import Call, Fault, Rule, conflict, drop_after, fail_with, refuse
from tests.faults.crash_calls import throttled
from tests.faults.ways import Way

# Kind -> the fault, the calls it may hit, and how often it hits one.
_STEADY: Mapping[str, tuple[Fault, str, float]] = {
    "throttled calls": (throttled(), "*", 0.01),
    "lost answers": (drop_after(), "*", 0.005),
    "server faults": (fail_with(500), "*", 0.005),
    "transaction conflicts": (conflict(), "TransactWriteItems", 0.01),
}
_SIZE = "24m"
_LOOK_S = 0.5
_BLOCK = b"\0" * (1 << 16)
_FULL = ("OSError", "DecoderUnavailableError")  # how a process without room names it in its log


def steady(ways: Iterable[Way]) -> dict[str, list[Rule]]:
    """Trouble at every worker's calls of AWS and of the index, from now on; by kind the rules that count."""
    rules: dict[str, list[Rule]] = {kind: [] for kind in _STEADY}
    for way in ways:
        for proxy in (way.emulator, way.search):
            for kind, (fault, pattern, rate) in _STEADY.items():
                rules[kind].append(proxy.fail(pattern, fault, times=None, rate=rate))
    return rules


def counted(rules: Mapping[str, list[Rule]]) -> Counter[str]:
    """How often each kind hit."""
    return Counter({kind: sum(rule.hits for rule in listed) for kind, listed in rules.items()})


def expired() -> Fault:
    """The session's token is over, in the words of whoever is asked."""

    async def fault(call: Call) -> web.StreamResponse:
        named = "X-Amz-Target" in call.request.headers or call.operation.startswith("Publish")
        return await refuse("ExpiredTokenException" if named else "ExpiredToken")(call)

    return fault


async def credentials_expire(way: Way, seconds: float) -> int:
    """Every call of one worker to AWS is refused for its token; how many were. The worker may stop over it."""
    rule = Rule("*", expired(), None)
    way.emulator.rules.insert(0, rule)
    await asyncio.sleep(seconds)
    way.emulator.rules.remove(rule)
    return rule.hits


class SmallDisk:
    """A small file system in memory, which can be full.

    Attributes:
        folder: where it is mounted, or a plain folder where this user may not mount.
        mounted: whether it is one.
    """

    def __init__(self, folder: Path, *, mounted: bool) -> None:
        self.folder = folder
        self.mounted = mounted

    async def full(self, log: Path, limit_s: float) -> int:
        """No room until somebody's log tells of it, at most for so long; how many lines do."""
        if not self.mounted:
            return 0
        start, until = _size(log), time.monotonic() + limit_s
        filler = self.folder / "filler"
        try:
            while time.monotonic() < until and not _told(log, start):
                _fill(filler)
                await asyncio.sleep(_LOOK_S)
        finally:
            filler.unlink(missing_ok=True)
        return _told(log, start)


def _size(log: Path) -> int:
    return log.stat().st_size


def _fill(path: Path) -> None:
    """Take every block that is free now."""
    with suppress(OSError), path.open("ab", buffering=0) as stream:
        while True:
            stream.write(_BLOCK)


def _told(log: Path, start: int) -> int:
    with log.open("rb") as stream:
        stream.seek(start)
        return sum(
            any(word in line for word in _FULL)
            for line in stream.read().decode("utf-8", "replace").splitlines()
        )


@contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount one there; everybody may write to it, as to any folder for temporary files."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE},mode=1777", "none", str(folder)]
    done = subprocess.run(mount, capture_output=True, check=False)  # noqa: S603 - our own words
    try:
        yield SmallDisk(folder, mounted=done.returncode == 0)
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - our own words, the program as found
