"""A record over the in-memory ports, and short ways to make what WhatsApp sends."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shared.ids import Ids
from shared.objects.memory import MemoryObjects
from shared.record.build import Record, build
from shared.record.inbound import Alias, Inbound, Origin, Person, Relation, StatusReport
from shared.store.memory import MemoryStore
from shared.store.port import Op
from shared.topology import RAW_BUCKET
from shared.vault.memory import MemoryKeys
from shared.vault.pepper import Pepper

PNID = "106540352242922"
NOON_MS = 1_800_000_000_000


@dataclass
class FixedClock:
    """A wall clock that stands still until moved."""

    ms: int = NOON_MS

    def now_ns(self) -> int:
        return self.ms * 1_000_000

    def now_ms(self) -> int:
        return self.ms


@dataclass
class World:
    clock: FixedClock
    ids: Ids
    store: MemoryStore
    raw: MemoryObjects
    keys: MemoryKeys
    record: Record
    pepper: Pepper

    async def items(self, table: str) -> list[dict[str, Any]]:
        return [item async for item in self.store.scan(table)]


def world(seed: int = 0, contend: Callable[[Sequence[Op]], bool] = lambda _: False) -> World:
    source = random.Random(seed)  # noqa: S311 - a seeded world, not a secret
    clock = FixedClock()
    ids = Ids(clock, source.randbytes)
    store = MemoryStore(contend=contend)
    raw = MemoryObjects(RAW_BUCKET)
    keys = MemoryKeys(ids.bytes)
    pepper = Pepper(b"p" * 32)
    record = build(store, raw, keys, pepper, clock, ids, service="ingest")
    return World(clock, ids, store, raw, keys, record, pepper)


def person(number: str = "5215512345678", user_id: str | None = None, **details: str) -> Person:
    aliases = [Alias("waid", number), Alias("phone", "52" + number[-10:])]
    if user_id:
        aliases.insert(0, Alias("bsuid", f"portfolio:{user_id}"))
    return Person(tuple(aliases), {"wa_id": number, **details})


def origin(raw: str = "raw-1", position: int = 0, at_ms: int = NOON_MS, source: Any = "live") -> Origin:
    return Origin(raw, position, at_ms * 1_000_000, source)


def text(
    wamid: str, body: str = "hola", *, who: Person | None = None, at_ms: int = NOON_MS, **more: Any
) -> Inbound:
    message = {"id": wamid, "type": "text", "text": {"body": body}}
    given = {"preview": body, "type": "text", "ts_s": at_ms // 1000, **more}
    return Inbound(
        origin=given.pop("origin", origin(f"raw-{wamid[6:]}", at_ms=at_ms)),
        pnid=PNID,
        wamid=wamid,
        person=who or person(),
        message=message,
        content={"value": {"messages": [message]}, "wamid": wamid, "preview": body},
        **given,
    )


def reaction(
    wamid: str, target: str, emoji: str = "👍", *, who: Person | None = None, at_ms: int = NOON_MS
) -> Inbound:
    message = {"id": wamid, "type": "reaction", "reaction": {"message_id": target, "emoji": emoji}}
    return Inbound(
        origin=origin(f"raw-{wamid[6:]}", at_ms=at_ms),
        pnid=PNID,
        wamid=wamid,
        person=who or person(),
        type="reaction",
        message=message,
        content={"value": {"messages": [message]}, "wamid": wamid},
        ts_s=at_ms // 1000,
        relation=Relation("reaction", target),
    )


def status(
    word: str,
    *,
    wamid: str = "wamid.out",
    attempt: str | None = None,
    at_ms: int = NOON_MS,
    code: int | None = None,
) -> StatusReport:
    part = {"id": wamid, "status": word, "biz_opaque_callback_data": attempt}
    return StatusReport(
        origin=origin(f"raw-{wamid[6:]}-{word}", at_ms=at_ms),
        pnid=PNID,
        wamid=wamid,
        status=word,
        content={"value": {"statuses": [part]}},
        ts_s=at_ms // 1000,
        person=person(),
        attempt=attempt,
        code=code,
    )
