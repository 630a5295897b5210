"""One world: the product's processes, the outside, a short morning of messages, faults, then quiet."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sim.app import SimApp
from sim.chaos import Chaos
from sim.outside import Outside
from sim.process import Process
from sim.servers import Servers

SKEW_MS = 1000  # two clocks differ by at most 2 s
DUE_PERIOD_S = 0.25  # shared/settings.py


@dataclass(frozen=True, slots=True)
class Cast:
    """One kind of process: how it is composed, how many run, which settings it gets."""

    name: str
    compose: Callable[["World", SimApp[Any]], Awaitable[None]]
    settings: Any
    count: int = 1


@dataclass(slots=True)
class World:
    """What is shared by all that happens in one world.

    Attributes:
        skew_ms: how far a process's clock may be off. due_period_s: how often a process looks for what is due.
    """

    seed: int
    servers: Servers
    outside: Outside
    chaos: Chaos
    rng: Random
    skew_ms: int = SKEW_MS
    due_period_s: float = DUE_PERIOD_S
    processes: list[Process] = field(default_factory=list)

    def cast(self, cast: Cast) -> list[Coroutine[Any, Any, None]]:
        """The supervised processes of a kind."""
        made = [self._process(cast, number) for number in range(1, cast.count + 1)]
        self.processes += made
        return [process.supervise() for process in made]

    def _process(self, cast: Cast, number: int) -> Process:
        skew = self.rng.randint(-self.skew_ms, self.skew_ms)
        settings = cast.settings.model_copy(update={"due_period_s": self.due_period_s})

        async def life(process: Process) -> None:
            app: SimApp[Any] = SimApp(settings, self.servers, self.chaos, process, f"{self.seed}", skew)
            await cast.compose(self, app)
            await app.live()

        return Process(f"{cast.name}-{number}", life, restart_s=self.rng.uniform(0.5, 5))
