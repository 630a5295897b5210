"""Memory of every Python worker over many messages, as fast as the system takes them with a bounded backlog.

They come as EUM Social may send them, several in an entry: an emulator of one process is what bounds the rate,
and what the workers keep or let go of goes by the message. Many people write them, a few texts each as in a
newsroom's day: the emulator walks a whole conversation at each question of it.
"""

import asyncio
import time
from collections.abc import Sequence

from bench import measure
from bench.figures import Figure, Points, Row, second_half, slope
from bench.newsroom import WORKERS, Newsroom
from local.install import Say

RSS_LIMIT_MB = 120.0
FLAT_MB = 3.0  # growth over the second half that still counts as flat; one malloc arena's trim is about 1 MB
_PEOPLE = 1000
FULL, SHORT = 20_000, 8_000  # what the bar speaks of; what leaves a run of all rows below twenty minutes
_CHUNK = 50
_BACKLOG = 300
_LOOK_S = 0.4  # between two looks at the queues, each of them a call a queue
_GATHER_MS = 150  # how long a message waits at the twin for others to travel with
_SAMPLES = 80
_TOLD_EVERY = 4  # samples
_SETTLE_S = 300.0


async def run(messages: int, limit_s: float, say: Say) -> Row:
    """Write `messages` texts, at most `_BACKLOG` of them on their way, and sample RSS as they go through."""
    row = Row("memory")
    began, before = time.monotonic(), measure.load()
    async with Newsroom(_PEOPLE, say) as room:
        await room.trouble("delay", rate=1.0, min_ms=_GATHER_MS, max_ms=_GATHER_MS)
        await room.trouble("batch", rate=1.0, max_ms=_GATHER_MS)
        curves = await _flood(room, messages, limit_s, say)
        missing = await room.settle(list(room.said), _SETTLE_S)
        judge(row, curves)
        if len(room.said) < messages:
            row.voids.append(f"only {len(room.said)} of {messages} written within {limit_s:.0f} s")
        await room.close(row, missing)
    row.seconds, row.load = time.monotonic() - began, (before, measure.load())
    return row


async def _flood(room: Newsroom, messages: int, limit_s: float, say: Say) -> dict[str, Points]:
    """RSS in MB over the number of messages written."""
    curves: dict[str, list[tuple[float, float]]] = {name: [] for name in WORKERS}
    every, due, began = max(_CHUNK, messages // _SAMPLES), 0, time.monotonic()
    deadline = began + limit_s
    while len(room.said) < messages and time.monotonic() < deadline:
        chunk = min(_CHUNK, messages - len(room.said))
        await asyncio.gather(*(room.write() for _ in range(chunk)))
        while await room.depth() > _BACKLOG and time.monotonic() < deadline:  # noqa: ASYNC110 - another process's queues
            await asyncio.sleep(_LOOK_S)
        if len(room.said) >= due:
            due += every
            _sample(room, curves)
            if len(curves["ingest"]) % _TOLD_EVERY == 0:
                say(_progress(curves, messages, time.monotonic() - began))
    _sample(room, curves)
    return dict(curves)


def _sample(room: Newsroom, curves: dict[str, list[tuple[float, float]]]) -> None:
    for name, usage in measure.usages(room.pids()).items():
        curves[name].append((float(len(room.said)), usage.rss / measure.MB))


def _progress(curves: dict[str, list[tuple[float, float]]], messages: int, seconds: float) -> str:
    """How far it is, how fast, and the largest worker that has a bar."""
    written = curves["ingest"][-1][0]
    rss, name = max((points[-1][1], name) for name, points in curves.items() if name != "media")
    left_s = (messages - written) * seconds / max(written, 1)
    return (
        f"{written:,.0f} de / of {messages:,}, {written / seconds:.0f}/s, "
        f"faltan / left {left_s / 60:.0f} min, {name} {rss:.0f} MB"
    )


def judge(row: Row, curves: dict[str, Points]) -> None:
    """The highest RSS of each worker, and how much it grows by over the second half (least squares)."""
    for name, points in curves.items():
        row.counts[f"{name} samples"] = len(points)
        row.figures.append(
            Figure(f"{name}: highest RSS", _top(points), "MB", None if name == "media" else RSS_LIMIT_MB)
        )
        half = second_half(points)
        grown = slope(half) * (half[-1][0] - half[0][0]) if half else 0.0
        note = f"{half[0][1]:.1f} to {half[-1][1]:.1f} MB" if half else ""
        row.figures.append(Figure(f"{name}: growth in the second half", grown, "MB", FLAT_MB, note))
        row.series[name] = points


def _top(points: Sequence[tuple[float, float]]) -> float:
    return max((value for _, value in points), default=float("nan"))
