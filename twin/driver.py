"""Moves a world through time: commits what happens, waits for what is due, hands it to the wire.

It knows the running loop and whoever publishes, nothing else, so that a simulation on a virtual clock drives
the same world the same way.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from twin.core.model import SECOND, Firing, Row, Step
from twin.core.world import World
from twin.history import History

MAX_MESSAGE = 262_144  # SNS: bytes a message; what EUM Social does with more is not documented
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0


class Publisher(Protocol):
    """The wire out of the world. Each call returns when all bodies are out, or raises PublishError."""

    def has_topic(self) -> bool:
        """Whether the account has an event destination."""
        ...

    def has_witness(self) -> bool:
        """Whether EventBridge's side is wired."""
        ...

    async def topic(self, bodies: Sequence[str]) -> None:
        """Publish envelopes, in order."""
        ...

    async def witness(self, bodies: Sequence[str]) -> None:
        """Deliver EventBridge events."""
        ...


class PublishError(Exception):
    """Some of it may not be out: try all of it again."""


class Driver:
    """One world, its history and its wire.

    Args:
        now: wall clock, ns since the epoch.
    """

    def __init__(self, world: World, history: History, publisher: Publisher, now: Callable[[], int]) -> None:
        self.world = world
        self.history = history
        self.now = now
        self._publisher = publisher
        self._wake = asyncio.Event()
        self._stopping = False

    def act(self, step: Step) -> Step:
        """Commit a step and see to it that what it queued leaves in time."""
        self.history.step(step)
        self._wake.set()
        return step

    def stop(self) -> None:
        """Leave `run` after the current round; what has not left stays in the outbox."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Until stopped."""
        while not self._stopping:
            await self._until_due()
            await self.round()

    async def round(self) -> int:
        """Let everything due leave now; answers how many things did."""
        fired = [f for f in self.world.fire(self.now()) if self._wanted(f)]
        if fired:
            self.history.before(fired)
            await self._witness([f for f in fired if f.channel == "witness"])
            await self._out([f for f in fired if f.channel == "entry"], self._publisher.topic)
        return len(fired)

    async def _until_due(self) -> None:
        due = self.world.next_at()
        wait = None if due is None else max(0.0, (due - self.now()) / SECOND)
        try:
            await asyncio.wait_for(self._wake.wait(), wait)
        except TimeoutError:
            return
        self._wake.clear()

    def _wanted(self, firing: Firing) -> bool:
        """Without its queue the witness is silent; it is best effort on AWS too."""
        if firing.channel == "witness" and not self._publisher.has_witness():
            self.history.commit(done=firing.done)
            return False
        return True

    async def _witness(self, fired: list[Firing]) -> None:
        """Once: EventBridge's side is best effort, and never holds the account's own events up."""
        if not fired:
            return
        try:
            await self._publisher.witness([f.body for f in fired])
        except PublishError:
            self._finish(fired, "fail", "unpublished")
        else:
            self._finish(fired, "ok")

    async def _out(self, fired: list[Firing], publish: Callable[[Sequence[str]], object]) -> None:
        able = [f for f in fired if not self._hopeless(f)]
        if able and await self._insist([f.body for f in able], publish):
            self._finish(able, "ok")

    def _hopeless(self, firing: Firing) -> bool:
        code = ""
        if firing.channel == "entry" and not self._publisher.has_topic():
            code = "no_destination"  # EUM Social delivers nothing where no destination is set
        elif len(firing.body.encode("utf-8", "surrogatepass")) > MAX_MESSAGE:
            code = "too_large"
        if code:
            self._finish([firing], "fail", code)
        return bool(code)

    async def _insist(self, bodies: list[str], publish: Callable[[Sequence[str]], object]) -> bool:
        wait = _FIRST_WAIT_S
        while not self._stopping:
            try:
                await publish(bodies)  # type: ignore[misc] # both methods of Publisher are coroutines
            except PublishError:
                await asyncio.sleep(wait)
                wait = min(_LONGEST_WAIT_S, wait * 2)
            else:
                return True
        return False

    def _finish(self, fired: list[Firing], phase: str, code: str = "") -> None:
        sent = [r for f in fired for r in f.rows if r.kind == "published"]
        self.history.commit(
            [_ended(row, phase, code) for row in sent], done=[i for f in fired for i in f.done]
        )


def _ended(row: Row, phase: str, code: str) -> Row:
    return replace(row, phase=phase, code=code or row.code)  # type: ignore[arg-type] # a Phase
