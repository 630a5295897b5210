"""A steady rate through the whole system: SNS publish to persisted, to forwarded, to searchable; then the ramp.

Published and received are the twin's history; persisted and searchable are polled from the stores. All clocks
are this machine's. The forwarder holds a message for 500 ms by design (services/forwarder/settings.py, hold_ms),
which is taken off.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench import measure
from bench.figures import Figure, Row, latencies, percentile
from bench.newsroom import Newsroom
from bench.watching import Watching
from local.install import Say

HOLD_MS = 500.0
LIMITS_MS = {"persisted": 200.0, "forwarded": 300.0, "searchable": 1800.0}
PERSISTED_POLL_S, SEARCHABLE_POLL_S = 0.02, 0.1
_PEOPLE = 100
_SETTLE_S = 180.0
_STEP_S = 10.0
_LATE_S = 2.0  # saturated: this much of the step's load is still on its way at the end of the step
_ENGINES = ("ministack", "opensearch", "twin")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ramp: what was asked, what came through, and each process's share of a core."""

    asked: float
    written: float
    forwarded: float
    cores: Mapping[str, float]

    @property
    def saturated(self) -> bool:
        """Whether the system, or the twin that feeds it, no longer keeps up."""
        return self.forwarded < self.asked * (1 - _LATE_S / _STEP_S)

    @property
    def busiest(self) -> str:
        """The process with the largest share of a core."""
        return max(self.cores, key=lambda name: self.cores[name])


@dataclass(slots=True)
class _Eyes:
    record: Watching
    search: Watching


async def run(seconds: float, rate: float, top_rate: float, say: Say) -> Row:
    """`seconds` at `rate` a second, then steps of ten seconds, doubling, until something saturates."""
    row = Row("pipeline")
    began, before = time.monotonic(), measure.load()
    async with Newsroom(_PEOPLE, say) as room:
        warm = await room.write_at(rate, _PEOPLE)
        missing = await room.settle(warm, _SETTLE_S)
        say(f"{rate:.0f} msg/s, {seconds:.0f} s")
        row.counts["timed messages"] = await _timed(room, row, rate, int(seconds * rate))
        steps = await _ramp(room, rate * 2, top_rate, say)
        row.counts["ramp steps"] = len(steps)
        saturation(row, steps)
        last = await room.settle(list(room.said), _SETTLE_S)
        await room.close(row, {stage: count + missing[stage] for stage, count in last.items()})
    row.seconds, row.load = time.monotonic() - began, (before, measure.load())
    return row


async def _timed(room: Newsroom, row: Row, rate: float, count: int) -> int:
    """Write at the rate with both watches on; the latencies become figures."""
    before, began = measure.usages(room.pids(*_ENGINES)), time.monotonic()
    async with _watched(room) as eyes:
        wanted = await room.write_at(rate, count, heard=lambda one: _expect(eyes, one))
        cpu = measure.spent(before, measure.usages(room.pids(*_ENGINES)))
        seconds = time.monotonic() - began
        await room.settle(wanted, _SETTLE_S)
        await _until_seen(eyes)
    outside = await room.look_outside()
    published = {one: outside.published[one] for one in wanted}
    kept = {one: outside.kept[one] for one in wanted if one in outside.kept}
    judge(row, published, {"persisted": eyes.record.seen, "forwarded": kept, "searchable": eyes.search.seen})
    shares = {name: used / seconds for name, used in cpu.items()}
    row.figures += [
        Figure(f"{name}: share at {rate:.0f} msg/s", share * 100, "% of a core")
        for name, share in sorted(shares.items(), key=lambda each: -each[1])
    ]
    return min(len(latencies(published, kept)), len(eyes.record.seen), len(eyes.search.seen))


def judge(row: Row, published: Mapping[str, float], stages: Mapping[str, Mapping[str, float]]) -> None:
    """p50 and p99 of each stage against its bar; the distributions are the curves of the plot."""
    for stage, ended in stages.items():
        values = [each - (HOLD_MS if stage == "forwarded" else 0) for each in latencies(published, ended)]
        name = f"{stage} beyond the hold" if stage == "forwarded" else stage
        note = f"{len(values)} messages, p50 {percentile(values, 0.5):.0f} ms, max {percentile(values, 1):.0f} ms"
        row.figures.append(
            Figure(f"publish to {name}, p99", percentile(values, 0.99), "ms", LIMITS_MS[stage], note)
        )
        row.series[name] = [(value, (n + 1) / len(values)) for n, value in enumerate(sorted(values))]
        if len(values) < len(published):
            row.voids.append(f"{len(published) - len(values)} never seen {stage}")


@asynccontextmanager
async def _watched(room: Newsroom) -> AsyncIterator[_Eyes]:
    eyes = _Eyes(Watching(room.recorded, PERSISTED_POLL_S), Watching(room.searchable, SEARCHABLE_POLL_S))
    tasks = [asyncio.create_task(eye.run()) for eye in (eyes.record, eyes.search)]
    try:
        yield eyes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _expect(eyes: _Eyes, message_id: str) -> None:
    eyes.record.expect(message_id)
    eyes.search.expect(message_id)


async def _until_seen(eyes: _Eyes) -> None:
    """A watch may lag its own last question behind the store."""
    deadline = time.monotonic() + 10
    while eyes.record.missing + eyes.search.missing and time.monotonic() < deadline:  # noqa: ASYNC110 - a poll itself
        await asyncio.sleep(0.1)


async def _ramp(room: Newsroom, first: float, top: float, say: Say) -> list[Step]:
    """Steps until one saturates or the top rate is passed; bounded by both."""
    steps: list[Step] = []
    rate = first
    while rate <= top:
        step = await _step(room, rate)
        steps.append(step)
        say(
            f"rampa / ramp {rate:.0f}/s: {step.forwarded:.1f}/s, {step.busiest} {step.cores[step.busiest]:.0%}"
        )
        if step.saturated:
            break
        rate *= 1.5
    return steps


async def _step(room: Newsroom, rate: float) -> Step:
    kept, said = len((await room.look_outside()).kept), len(room.said)
    before, began = measure.usages(room.pids(*_ENGINES)), time.monotonic()
    try:
        async with asyncio.timeout(_STEP_S):
            await room.write_at(rate, int(rate * _STEP_S))
            await asyncio.sleep(max(0.0, _STEP_S - (time.monotonic() - began)))
    except TimeoutError:
        pass  # the twin could not take them all in time: what it took counts
    seconds = time.monotonic() - began
    cpu = measure.spent(before, measure.usages(room.pids(*_ENGINES)))
    through = len((await room.look_outside()).kept) - kept
    cores = {name: used / seconds for name, used in cpu.items()}
    return Step(rate, (len(room.said) - said) / seconds, through / seconds, cores)


def saturation(row: Row, steps: list[Step]) -> None:
    """The most that came through in a step, and who was busiest then."""
    if not steps:
        return
    best = max(steps, key=lambda step: step.forwarded)
    last = steps[-1]
    ours = {name: share for name, share in last.cores.items() if name not in _ENGINES}
    busiest = max(ours, key=lambda name: ours[name])
    shares = ", ".join(
        f"{name} {share:.0%}" for name, share in sorted(last.cores.items(), key=lambda each: -each[1])
    )
    end = "" if last.saturated else "; not saturated at the top rate"
    row.figures.append(
        Figure(
            "most forwarded in a ramp step",
            best.forwarded,
            "msg/s",
            note=f"asked {last.asked:.0f}/s last{end}",
        )
    )
    row.figures.append(
        Figure(
            f"busiest at the end of the ramp: {last.busiest}",
            last.cores[last.busiest] * 100,
            "% of a core",
            note=shares,
        )
    )
    row.figures.append(Figure(f"busiest of our own: {busiest}", ours[busiest] * 100, "% of a core"))
    for name in last.cores:
        row.series[f"cpu {name}"] = [(step.asked, step.cores[name]) for step in steps]
