"""The world's servers: the fakes that pass the contract suites, with SQS's own repetition and reordering."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from shared import topology
from shared.bus.memory import MemoryBus
from shared.objects.memory import MemoryObjects
from shared.queue.memory import MemoryQueue
from shared.vault.memory import MemoryKeys
from shared.vault.pepper import Pepper
from sim.clock import VirtualClock
from sim.leases import WatchedQueue, WatchedStore
from twin.audit.observed import Hold

PAGE_ITEMS = 8  # small pages: what is read to the end must be read page by page


@dataclass(frozen=True, slots=True)
class Servers:
    """Everything that outlives a process. `holds`: what was done with the queues' receipts."""

    store: WatchedStore
    buckets: Mapping[str, MemoryObjects]
    queues: Mapping[str, MemoryQueue]
    bus: MemoryBus
    keys: MemoryKeys
    pepper: Pepper
    holds: list[Hold]


def build(rng: Random, duplicates: float) -> Servers:
    """The servers of one world.

    Args:
        rng: of the order and repetition of messages, and of keys.
        duplicates: probability that a receive leaves the message visible for somebody else.
    """
    clock = VirtualClock()
    holds: list[Hold] = []

    def shuffled(ids: list[str]) -> list[str]:
        return rng.sample(ids, len(ids))

    queues = {
        spec.name: WatchedQueue(spec.name, clock, shuffled, lambda _id: rng.random() < duplicates, holds)
        for spec in topology.QUEUES
    }
    return Servers(
        WatchedStore(PAGE_ITEMS),
        {name: MemoryObjects(name) for name in topology.BUCKETS},
        queues,
        MemoryBus(queues),
        MemoryKeys(rng.randbytes),
        Pepper(rng.randbytes(32)),
        holds,
    )
