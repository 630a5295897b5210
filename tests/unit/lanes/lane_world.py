"""A world of one lane: a writer, three workers whose clocks differ by up to 2 s, crashes at every step.

The model of CONTRACTS s.2 over the production runner, the in-memory store and virtual time.
"""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

from shared.due import DueTimer, due_item
from shared.ids import Ids
from shared.lanes.owed import LANE_KIND, lane_of, owe
from shared.lanes.port import Beside, Finished, Lane, Later, Outcome, Ready, Unsettled
from shared.lanes.runner import Lanes
from shared.queue.memory import MemoryQueue
from shared.queue.port import QueueUnavailableError
from shared.record.shape import DeliveryItem
from shared.store.memory import MemoryStore
from shared.store.port import ContendedError, Delete, Item, Key, Op, StoreUnavailableError, Update
from sim.cells import Fault, Site
from sim.chaos import Chaos, Errors, Plan
from sim.clock import VirtualClock, token_bytes
from sim.loop import run
from sim.process import Process

LANE = Lane("receiver", "c_one")
SERVICE = "service"
CALL_S = 8.0
VISIBILITY_S = 60
STORE = Errors(lambda: StoreUnavailableError("lost"), lambda: ContendedError("conflict"))
QUEUE = Errors(lambda: QueueUnavailableError("lost"), lambda: QueueUnavailableError("slow down"))
BUGS = ("at_now", "due_first", "msg_first", "no_claim_due")


@dataclass
class Crashes(Plan):
    """Only deaths; either at a rate, or exactly one at the n-th call."""

    only: int | None = None
    how: Fault = Fault.CRASH_BEFORE

    def draw(self, site: Site | None, process: str) -> Fault | None:
        self.calls += 1
        if self.only is not None:
            return self.how if self.calls == self.only else None
        fault = super().draw(site, process)
        self.calls -= 1
        return fault and (Fault.CRASH_AFTER if self.calls % 2 else Fault.CRASH_BEFORE)


@dataclass
class Receiver:
    """Who is sent to, and what the world saw of it."""

    store: MemoryStore
    seed: int
    gateway: bool
    calls: list[tuple[float, str, int]] = field(default_factory=list)
    in_hand: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    failing: bool = True
    called: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)  # noqa: S311 - a world is reproducible

    async def take(self, item: DeliveryItem) -> bool:
        """One call: notes who else is in hand and who is overtaken; True = it went well."""
        if self.in_hand:
            self.violations.append(f"{item['sk']} while {self.in_hand} in hand")
        owed = (await self.store.query("deliveries", LANE.pk, index="owed")).items
        if owed and owed[0]["sk"] != item["sk"]:
            self.violations.append(f"{item['sk']} overtakes {owed[0]['sk']}")
        self.calls.append((asyncio.get_running_loop().time(), item["sk"], item["try"]))
        self.in_hand.append(item["sk"])
        self.called.set()
        try:
            await asyncio.sleep(self.random.uniform(0, 7))
            return not self.failing or self.random.random() < 0.8
        finally:
            self.in_hand.remove(item["sk"])


class TestedSender:
    """The smallest sender of either kind."""

    __test__ = False
    service = SERVICE
    timeout_s = CALL_S

    def __init__(self, receiver: Receiver, clock: VirtualClock) -> None:
        self._receiver = receiver
        self._clock = clock

    async def early(self, item: DeliveryItem) -> bool:
        return False

    async def prepare(self, item: DeliveryItem) -> Ready[None] | Outcome:
        return Ready(None)

    async def call(self, payload: None, item: DeliveryItem) -> Outcome:
        if await self._receiver.take(item):
            return Finished("delivered")
        return self.unclear(item)

    def unclear(self, item: DeliveryItem) -> Outcome:
        return Unsettled("lost") if self._receiver.gateway else Later(self._clock.now_ms() + 3000, "error")

    def abandoned(self, item: DeliveryItem) -> Outcome | None:
        return Finished("unsettled") if self._receiver.gateway else None

    async def beside(self, item: DeliveryItem, outcome: Outcome) -> Beside:
        return Beside()

    async def settled(self, item: DeliveryItem, outcome: Outcome, beside: Beside) -> None:
        pass


def _unheard(_what: str, _error: BaseException) -> None:
    pass


class ForgetfulStore:
    """Bug: a claim is written without its due item."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def transact(self, ops: list[Op], token: str) -> None:
        claims = any(isinstance(op, Update) and op.set.get("state") == "sending" for op in ops)
        await self._store.transact([op for op in ops if not claims or op.table != "due"], token)


@dataclass
class World:
    """One run."""

    seed: int
    gateway: bool = False
    bug: str | None = None
    plan: Crashes | None = None
    items: int = 3
    holds: bool = True
    failing: bool = True
    workers: int = 3
    kill_in_call: bool = False

    def __post_init__(self) -> None:
        self.random = Random(f"{self.seed}{self.bug}")  # noqa: S311 - a world is reproducible
        self.store = MemoryStore()
        self.queue = MemoryQueue("lane", VirtualClock(), max_receives=None)
        self.receiver = Receiver(self.store, self.seed, self.gateway, failing=self.failing)
        self.plan = self.plan or Crashes(self.seed, 0.08, until_s=15.0)
        self.chaos = Chaos(self.plan, {}, lambda: self.random.uniform(0, 0.01))
        self.skews = [self.random.randint(-1000, 1000) for _ in range(self.workers)]
        self.crashes: list[float] = []
        self.quiet_at: float | None = None

    async def main(self) -> None:
        processes = [Process(f"worker-{n}", self._life(n), restart_s=0.5) for n in range(self.workers)]
        tasks = [asyncio.ensure_future(process.supervise()) for process in processes]
        if self.kill_in_call:
            tasks.append(asyncio.ensure_future(self._kill(processes)))
        await self._write_all()
        await self._quiet()
        for process in processes:
            process.stop()
        for task in tasks:
            task.cancel()

    async def _kill(self, processes: list[Process]) -> None:
        await self.receiver.called.wait()
        for process in processes:
            process.crash()

    def _life(self, number: int) -> Any:
        async def life(process: Process) -> None:
            lives = f"{self.seed}-{number}-{process.lives}"
            if process.lives > 1:
                self.crashes.append(asyncio.get_running_loop().time())
            clock = VirtualClock(self.skews[number])
            store = self.chaos.wrap(self.store, process, STORE)
            queue = self.chaos.wrap(self.queue, process, QUEUE)
            lane_store: Any = ForgetfulStore(store) if self.bug == "no_claim_due" else store
            lanes = Lanes(
                lane_store,
                clock,
                Ids(clock, token_bytes(lives)),
                TestedSender(self.receiver, clock),
                _unheard,
            )
            handlers = {LANE_KIND: self._on_due(store, lanes), "event": self._on_event}
            timer = DueTimer(store, clock, SERVICE, handlers, _unheard, 0.25)
            await asyncio.gather(timer.run(asyncio.Event()), self._consume(queue, lanes))

        return life

    def _on_due(self, store: Any, lanes: Lanes[None]) -> Any:
        async def handle(item: Item) -> None:
            if self.bug == "due_first":
                await store.write(Delete("due", item["pk"], item["sk"]))
            await lanes.run(lane_of(item))

        return handle

    async def _on_event(self, item: Item) -> None:
        self.queue.put("poke", {})

    async def _consume(self, queue: Any, lanes: Lanes[None]) -> None:
        while True:
            for message in await queue.receive(1, 1.0, VISIBILITY_S):
                if self.bug == "msg_first":
                    await queue.delete([message])
                await lanes.run(LANE)
                await queue.delete([message])

    async def _write_all(self) -> None:
        """The desk: owed delivery and outbox in one transaction, then the event, unless it dies between."""
        for number in range(self.items):
            await asyncio.sleep(self.random.uniform(0, 2))
            clock = VirtualClock(self.random.randint(-1000, 1000))
            hold = self.random.choice((0, 0, 0, 4000)) if self.holds else 0
            at = clock.now_ms() + hold if hold or self.bug == "at_now" else 0
            ops = owe(
                LANE, service=SERVICE, message_id=f"m{number}", part="1", order_key=f"k{number}", at_ms=at
            )
            if self.bug == "at_now" and not hold:
                ops = ops[:1]
            event = due_item(SERVICE, clock.now_ms() + 2000, "event", f"m{number}")
            await self.store.transact([*ops, event], f"write-{number}")
            if self.random.random() < 0.85:
                self.queue.put("poke", {})
                await self.store.write(Delete("due", event.pk, event.sk))

    async def _quiet(self) -> None:
        """Wait until nothing is owed and no trigger is left; give up after ten minutes."""
        for _ in range(600):
            await asyncio.sleep(1)
            due = (await self.store.query("due", SERVICE)).items
            if not due and not self.queue.bodies():
                self.quiet_at = asyncio.get_running_loop().time()
                return

    async def unfinished(self) -> list[Item]:
        items = (await self.store.query("deliveries", LANE.pk, Key("sk").begins_with("m"))).items
        return [item for item in items if "owed" in item]


def play(world: World) -> list[str]:
    """Run a world to its end; answers what is wrong with it."""

    async def main() -> list[str]:
        await world.main()
        wrong = list(world.receiver.violations)
        if world.quiet_at is None:
            wrong.append("never quiet")
        wrong += [f"stranded {item['sk']} {item['state']}" for item in await world.unfinished()]
        sent = [sk for _, sk, _ in world.receiver.calls]
        if world.gateway and len(sent) != len(set(sent)):
            wrong.append(f"sent twice: {sent}")
        return wrong

    return run(world.seed, main())[0]
