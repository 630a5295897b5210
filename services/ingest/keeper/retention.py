"""Carries out what plan.py decides, over the whole record: messages, the archive, the account's history, people.

A run walks the tables in segments and the archive from its oldest end. It may be cut off anywhere: what it
left is found again by the next run.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.ingest.archive import Arrived
from services.ingest.archived import Archived, numbered
from services.ingest.keeper import plan as planning
from services.ingest.keeper.leaving import Leaving
from services.ingest.keeper.plan import (
    Document,
    Message,
    Outlive,
    Plan,
    Preview,
    Reference,
    Row,
    SealedObject,
    Step,
)
from services.ingest.keeper.ports import Document as Indexed
from services.ingest.keeper.ports import SearchPlace
from services.ingest.keeper.withdrawn import Withdrawn
from services.ingest.origin import Ours
from shared.clock import Clock
from shared.ids import parse_attempt, received_id
from shared.objects.port import Objects
from shared.record import retention
from shared.record.attempts import attempts_of
from shared.record.files import Files
from shared.record.holds import Held, Holds
from shared.record.retention import AFTERLIFE_DAYS, DAY_MS, Retention
from shared.record.shape import is_message_sk, lane_pk
from shared.record.waits import Place, children_of
from shared.store.port import Attr, ConditionFailedError, Delete, Item, Key, Store, Update
from shared.whatsapp.item import MessageItem, MetaItem

SEGMENTS = 16
EVENT = "#a_"  # in the sort key of an account event, see shared/record/accounts.py
CONNECT = "connect#"  # partitions of rows, see shared/record/connect.py
ARCHIVES = ("raw/eum/", "raw/connect/", "raw/witness/", "poison/")


@dataclass
class Tally:
    """What a run found and did."""

    messages: int = 0
    files: int = 0
    archived: int = 0
    thinned: int = 0
    account: int = 0
    chats: int = 0
    withdrawn: int = 0
    people: int = 0
    held: dict[str, str] = field(default_factory=dict)
    owed: list[str] = field(default_factory=list)


class Expiry:
    """One run of retention.

    Args:
        ours: which of our numbers an item concerns.
    """

    def __init__(
        self,
        store: Store,
        raw: Objects,
        files: Files,
        search: SearchPlace,
        holds: Holds,
        ours: Ours,
        withdrawn: Withdrawn,
        leaving: Leaving,
        clock: Clock,
    ) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._files = files
        self._search = search
        self._holds = holds
        self._ours = ours
        self._withdrawn = withdrawn
        self._leaving = leaving
        self._clock = clock

    async def run(self) -> Tally:
        """Everything that has reached its end by now. Raises what the stores raise; run again, it goes on."""
        await self._holds.end_overdue()
        rules, holds, tally = await retention.read(self._store), await self._holds.held(), Tally()
        for segment in range(SEGMENTS):
            await self._messages(segment, rules, holds, tally)
        for prefix in ARCHIVES:
            await self._archive(prefix, rules, tally)
        await self._account(rules, tally)
        await self._chats(rules, holds, tally)
        tally.withdrawn = await self._withdrawn.run(holds)
        tally.people = await self._leaving.run(rules)
        return tally

    async def _messages(self, segment: int, rules: Retention, holds: Held, tally: Tally) -> None:
        now = self._clock.now_ms()
        async for item in self._store.scan("messages", segment=segment, segments=SEGMENTS):
            if is_message_sk(item["sk"]) and "kept_at" in item and rules.message_ends_at(item) <= now:
                await self._one(item, rules, holds, tally)

    async def _one(self, item: Item, rules: Retention, holds: Held, tally: Tally) -> None:
        found = await self._whole(item)
        hashes = [each["sha256"] for each in item["media"] if "sha256" in each]
        references = {sha: [_named(sk) for sk in await self._files.references(sha)] for sha in hashes}
        made = planning.plan([found], references, rules, holds, self._clock.now_ms())
        await self._carry_out(made, rules, tally)
        tally.held |= made.held
        tally.owed += made.owed

    async def _whole(self, item: Item) -> Message:
        """A message with everything that hangs on it, read now."""
        children = await children_of(self._store, Place(item["pk"], item["sk"]))
        conversation = await self._store.get("conversations", item["pk"]) or {}
        return Message(
            item,
            children,
            await self._deliveries(item, children),
            tuple(dict.fromkeys(each["wamid_id"] for each in children if "wamid_id" in each)),
            previewed=conversation.get("preview_order_key") == item["sk"],
        )

    async def _deliveries(self, item: Item, children: Sequence[Item]) -> list[Item]:
        lanes = {name: None for each in children for name in each.get("destinations", ())}
        keys = [(lane_pk(name, item["pk"]), f"{item['message_id']}#") for name in lanes]
        found: list[Item] = []
        for pk, prefix in (*keys, attempts_of(item)):
            found += (await self._store.query("deliveries", pk, Key("sk").begins_with(prefix))).items
        return found

    async def _carry_out(self, made: Plan, rules: Retention, tally: Tally) -> None:
        for step in made.steps:
            tally.files += await self._step(step, rules)
        tally.messages += len(made.ended)

    async def _step(self, step: Step, rules: Retention) -> int:
        """One step; how many files went with it."""
        match step:
            case Document(message_id, kept_at, rev):
                await self._search.remove([Indexed(message_id, kept_at, rev)])
            case Reference(sha, message_id, n):
                return int(await self._files.release(sha, message_id, n))
            case SealedObject(key):
                await self._raw.delete(key)
            case Preview(cid, order_key):
                await self._unpreview(cid, order_key)
            case Outlive(name):
                await self._outlive(name, rules)
            case Row(table, pk, sk):
                await self._store.write(Delete(table, pk, sk))
        return 0

    async def _unpreview(self, cid: str, order_key: str) -> None:
        same = Attr("preview_order_key").eq(order_key)
        gone = ["preview", "preview_key_id", "preview_order_key", "inbox"]
        try:
            await self._store.write(
                Update("conversations", cid, "-", remove=gone, add={"rev": 1}, condition=same)
            )
        except ConditionFailedError:
            return  # something newer is shown

    async def _outlive(self, name: str, rules: Retention) -> None:
        """Keep an id for 28 days after the last moment its raw object may live."""
        until = self._clock.now_ms() + (rules.of("raw") + AFTERLIFE_DAYS) * DAY_MS
        try:
            await self._store.write(
                Update("ids", name, "-", set={"ttl": until // 1000}, condition=Attr("pk").exists())
            )
        except ConditionFailedError:
            return

    async def _archive(self, prefix: str, rules: Retention, tally: Tally) -> None:
        """From the oldest object on, up to what is young enough."""
        async for key in self._old(prefix, rules):
            if prefix != "raw/eum/":
                await self._raw.delete(key)
                tally.archived += 1
                continue
            found = await self._archived.read(key)
            alive, gone = await self._living(found)
            if alive and gone:
                await self._archived.rewrite(found, gone, key)
                tally.thinned += 1
            elif not alive:
                await self._raw.delete(key)
                tally.archived += 1

    async def _old(self, prefix: str, rules: Retention) -> AsyncIterator[str]:
        async for info in self._raw.list(prefix):
            at = arrival_of(info.key[len(prefix) :])
            if at is None:
                continue
            if not rules.ended("raw", at, self._clock.now_ms()):
                return
            yield info.key

    async def _living(self, found: Arrived) -> tuple[bool, list[int]]:
        """Whether a message of an envelope still lives (a hold, another class), and positions that do not."""
        if found.envelope is None:
            return False, []
        places = {item.position: await self._lives(item) for item in numbered(found)}
        return any(places.values()), [n for n, lives in places.items() if not lives]

    async def _lives(self, item: object) -> bool:
        if isinstance(item, MessageItem):
            return await self._message_lives(received_id(self._ours.number(item.pnid) or "", item.wamid))
        named = getattr(getattr(item, "status", None), "biz_opaque_callback_data", None)
        ours = parse_attempt(named or "")
        return isinstance(item, MetaItem) and ours is not None and await self._message_lives(ours[0])

    async def _message_lives(self, message_id: str) -> bool:
        known = await self._store.get("ids", message_id)
        if known is None or "order_key" not in known:
            return False
        return await self._store.get("messages", known["conversation_id"], known["order_key"]) is not None

    async def _account(self, rules: Retention, tally: Tally) -> None:
        """The history of our account; what is current stays, whatever its age."""
        async for item in self._store.scan("policy"):
            if EVENT in item["sk"] and self._over("account", item, rules):
                await self._drop("policy", item, rules)
                tally.account += 1

    async def _chats(self, rules: Retention, holds: Held, tally: Tally) -> None:
        """What Amazon Connect told, as long as messages."""
        async for item in self._store.scan("chats"):
            held = holds.by(item.get("key_id", ""), item.get("conversation_id", ""))
            if item["pk"].startswith(CONNECT) and held is None and self._over("messages", item, rules):
                await self._drop("chats", item, rules)
                tally.chats += 1

    def _over(self, kind: str, item: Item, rules: Retention) -> bool:
        now = self._clock.now_ms()
        return rules.ended(kind, item.get("arrival_ms", now), now)

    async def _drop(self, table: str, item: Item, rules: Retention) -> None:
        """One event; its large content first, itself last."""
        if "sealed_ref" in item:
            await self._raw.delete(item["sealed_ref"])
        await self._outlive(item["sk"].partition("#")[2], rules)
        await self._store.write(Delete(table, item["pk"], item["sk"]))


def _named(sk: str) -> tuple[str, int]:
    """`ref#<message_id>#<n>`."""
    _, message_id, n = sk.split("#")
    return message_id, int(n)


def arrival_of(name: str) -> int | None:
    """When (ms) an archived object arrived, by its name `YYYY/MM/DD/HHMM/S0/...`; None for any other."""
    parts = name.split("/")
    try:
        at = datetime.strptime("".join(parts[:4]) + parts[4], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except (IndexError, ValueError):
        return None
    return int(at.timestamp()) * 1000
