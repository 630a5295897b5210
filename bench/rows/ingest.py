"""What each worker spends on a message: CPU from /proc while the whole system works at a bounded rate.

What a worker spends while nothing happens (timers, long polls) is measured first and taken off, so that a figure
is the work that messages cause, whatever the rate; the whole of what ingest spent stands in a row of its own.
EventBridge's witness is silent here: it is a message of its own, and would be counted into the text's.
"""

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field

from bench import measure
from bench.figures import Figure, Row
from bench.newsroom import WORKERS, Newsroom
from local.install import Say

INGEST_LIMIT_MS = 10.0
_IDLE_S = 8.0
_SETTLE_S = 180.0
_SHOWN = {
    "first text": ("ingest",),
    "text": WORKERS,
    "reply": ("desk", "gateway", "ingest"),  # ingest: its four statuses
    "image": ("media",),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """What a load of one kind took: CPU seconds of each worker, and what did not arrive."""

    count: int
    seconds: float
    cpu: Mapping[str, float]
    missing: Mapping[str, int] = field(default_factory=dict)

    def per_message(self, worker: str, idle: Mapping[str, float]) -> float:
        """CPU milliseconds a message, without what the worker spends anyway."""
        return (self.cpu[worker] - idle[worker] * self.seconds) / self.count * 1000

    def whole(self, worker: str) -> float:
        """CPU milliseconds a message, everything counted."""
        return self.cpu[worker] / self.count * 1000


async def run(messages: int, rate: float, say: Say) -> Row:
    """People's first texts, `messages` texts of known people at `rate` a second, then replies and images."""
    row = Row("ingest")
    began, before = time.monotonic(), measure.load()
    few = max(5, messages // 20)
    async with Newsroom(people=min(100, few), say=say, witness=False) as room:
        phases = {"first text": await _phase(room, room.write_at(rate, room.people))}
        idle = await room.idle(_IDLE_S)
        say(f"{messages} textos / texts, {rate:.0f}/s")
        phases["text"] = await _phase(room, room.write_at(rate, messages))
        say(f"{few} respuestas / replies")
        phases["reply"] = await _phase(room, _replies(room, few, rate / 2))
        say(f"{few} imágenes / images")
        phases["image"] = await _phase(room, room.write_at(rate / 2, few, type="image"))
        judge(row, phases, idle, rate)
        missing = {
            f"{stage} ({name})": count for name, one in phases.items() for stage, count in one.missing.items()
        }
        await room.close(row, missing)
    row.seconds, row.load = time.monotonic() - began, (before, measure.load())
    return row


async def _phase(room: Newsroom, load: Awaitable[Sequence[str]]) -> Phase:
    """Run a load, wait until everything came of it, and read what that took."""
    before, began = measure.usages(room.pids()), time.monotonic()
    said = await load
    missing = await room.settle([one for one in said if one.startswith("i_")], _SETTLE_S)
    await room.quiet(_SETTLE_S)
    cpu = measure.spent(before, measure.usages(room.pids()))
    return Phase(len(said), time.monotonic() - began, cpu, missing)


async def _replies(room: Newsroom, count: int, rate: float) -> list[str]:
    """An agent answers the last conversations at a steady rate; their ticks come back."""
    threads = sorted(set((await room.recorded(list(room.said))).values()))
    sent = []
    for number in range(count):
        sent.append(await room.reply(threads[number % len(threads)], number))
        await asyncio.sleep(1 / rate)
    await room.delivered(sent, _SETTLE_S)
    return sent


def judge(row: Row, phases: Mapping[str, Phase], idle: Mapping[str, float], rate: float) -> None:
    """Ingest against its bar; each worker's own work by kind of message; what idling costs."""
    text = phases["text"]
    note = f"at {rate:.0f} msg/s: {idle['ingest'] * 1000:.1f} ms a second of it idling"
    row.figures.append(Figure("ingest: all it spent a text", text.whole("ingest"), "CPU ms/msg", note=note))
    for kind, phase in phases.items():
        row.counts[f"{kind}s"] = phase.count
        for worker in _SHOWN[kind]:
            limit = INGEST_LIMIT_MS if (worker, kind) == ("ingest", "text") else None
            own = phase.per_message(worker, idle)
            row.figures.append(Figure(f"{worker}: own work a {kind}", own, "CPU ms/msg", limit))
    row.figures += [Figure(f"{worker}: idle", idle[worker] * 1000, "CPU ms/s") for worker in WORKERS]
    row.series["CPU ms a text"] = [(float(n), text.per_message(w, idle)) for n, w in enumerate(WORKERS)]
