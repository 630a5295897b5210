"""The outside world of one simulated world: the twin's own core and driver on the virtual clock."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from shared.queue.memory import MemoryQueue
from sim.clock import EPOCH_MS
from twin.core.mint import Mint
from twin.core.model import MS, Account, Customer, Kind, Row, seeded
from twin.core.world import World
from twin.driver import Driver
from twin.history import History

ACCOUNT = Account()
ALONE = "c900"
FORGOTTEN = "c901"


def now_ns() -> int:
    """The outside's wall clock, ns since the epoch."""
    return EPOCH_MS * 1_000_000 + int(asyncio.get_running_loop().time() * 1e9)


def _mono_ns() -> int:
    return int(asyncio.get_running_loop().time() * 1e9)


class Topic:
    """SNS towards the product's queues: raw delivery, each body after a delay of its own.

    Attributes:
        stolen: part of a body -> who takes it, so that it comes into no queue.
    """

    def __init__(self, ingest: MemoryQueue, witness: MemoryQueue, rng: Random) -> None:
        self._ingest = ingest
        self._witness = witness
        self._rng = rng
        self.stolen: dict[str, Callable[[str], Awaitable[None]]] = {}

    def has_topic(self) -> bool:
        """The account is linked."""
        return True

    def has_witness(self) -> bool:
        """EventBridge is wired."""
        return True

    async def topic(self, bodies: Sequence[str]) -> None:
        """Publish envelopes; SNS promises no order."""
        for body in bodies:
            thief = next((thief for part, thief in self.stolen.items() if part in body), None)
            if thief is not None:
                await thief(body)
            else:
                self._ingest.put(body, {}, self._rng.uniform(0, 0.3))

    async def witness(self, bodies: Sequence[str]) -> None:
        """Deliver EventBridge events."""
        for body in bodies:
            self._witness.put(body, {}, self._rng.uniform(0, 0.3))


class Outside:
    """Customers, Meta and EUM Social.

    Attributes:
        driver: the twin's; `driver.history` is what the audit reads.
    """

    def __init__(self, seed: int, ingest: MemoryQueue, witness: MemoryQueue, customers: int) -> None:
        rng = Random(f"topic:{seed}")  # noqa: S311 - must be reproducible
        world = World(ACCOUNT, seed, customers=customers)
        self.topic = Topic(ingest, witness, rng)
        self.driver = Driver(world, History(":memory:", _mono_ns), self.topic, now_ns)
        self._ingest = ingest
        self._connect = witness
        self.wamids: dict[str, list[str]] = {}

    @property
    def customers(self) -> list[str]:
        """The twin's ids of everybody who takes part in all of it."""
        return sorted(self.driver.world.customers.keys() - {ALONE, FORGOTTEN})

    def newcomer(self) -> str:
        """Somebody who does one thing only; answers their id."""
        world = self.driver.world
        somebody = world.customers[self.customers[0]]
        self.driver.act(
            world.add_customer(replace(somebody, id=ALONE, wa_id="525550009998", user_id="MX.9998"))
        )
        return ALONE

    def forgotten(self) -> Customer:
        """Somebody who will ask to be erased."""
        mint = Mint(seeded("forgotten", self.driver.world.customers[self.customers[0]].wa_id))
        who = Customer(FORGOTTEN, "525550009977", mint.user_id("MX"), f"Olvido ~{mint.nonce()}")
        self.driver.act(self.driver.world.add_customer(who))
        return who

    def says(self, customer: str, **say: Any) -> str:
        """A customer does something; answers its wamid."""
        step = self.driver.act(self.driver.world.customer_says(customer, say, now_ns()))
        self.wamids.setdefault(customer, []).append(step.wamid)
        return step.wamid

    def event(self, field: str, value: dict[str, Any]) -> None:
        """Meta says something about the account."""
        self.driver.act(self.driver.world.account_event(field, value, now_ns()))

    def rubbish(self, body: str) -> None:
        """Somebody publishes to our topic what nobody can understand."""
        self.driver.history.commit([self._told("injected", body)])
        self.inject(body)

    def phone(self, body: str, delay_s: float, wamid: str, status: str = "") -> None:
        """Our own phone, of which the history knows only what was published: an echo, or a status of one."""
        told = self._told("published", body)
        self.driver.history.commit(
            [replace(told, wamid=wamid, type=status, direction="out" if status else "in")]
        )
        self.inject(body, delay_s)

    def _told(self, kind: Kind, body: str) -> Row:
        return Row(now_ns() // MS, kind, "ok", ACCOUNT.pnid, "in", "", body=body)

    def inject(self, body: str, delay_s: float = 0) -> None:
        """Somebody else publishes to our topic."""
        self._ingest.put(body, {}, delay_s)

    def connect(self, body: str) -> None:
        """Amazon Connect says something."""
        self._connect.put(body, {})

    def hide(self, customer: str, *, hidden: bool) -> None:
        """Meta withholds a customer's number from now on, or shows it."""
        world = self.driver.world
        self.driver.act(world.add_customer(replace(world.customers[customer], hidden=hidden)))

    def calm(self) -> None:
        """No fault of the outside is in force any more."""
        self.driver.world.state.faults.clear()

    def quiet(self) -> bool:
        """Whether nothing more will leave by itself."""
        return self.driver.world.next_at() is None

    def rows(self) -> list[dict[str, Any]]:
        """The whole history, with bodies."""
        found: list[dict[str, Any]] = []
        while page := self.driver.history.rows(found[-1]["seq"] if found else 0, 5000, bodies=True):
            found += page
        return found
