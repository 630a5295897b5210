"""Writing a medium's outcome: the medium, its reference and the message's rev in one transaction, once.

A file that may be served owes its renditions from then on: a `due` item of the same transaction.
"""

from dataclasses import dataclass

from services.media.verdict import UNKNOWN, Found, Verdict
from shared.clock import Clock
from shared.due import due_item
from shared.ids import Ids
from shared.record.commit import ATTEMPTS, commit
from shared.store.port import Attr, Check, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update

PENDING = "pending"
SERVICE = "media"
RENDER = "render"  # kind of the due item: services/media/renderer.py
_MEDIUM_OP = 1  # place of the file's own item among the transaction's ops
GOING = "going"  # shared/record/files.py: the file is being deleted


class GoingError(Exception):
    """The same file is being deleted just now: come again, with the bytes."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The message after a medium was settled; `fresh` = by us, now."""

    message: Item
    fresh: bool


class Ledger:
    """The record's side of media."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def settle(self, message: Item, n: int, verdict: Verdict, found: Found | None) -> Settled | None:
        """Settle the n-th medium of a message unless it is, or the message was released; None where it is gone.

        Raises GoingError, ContendedError, StoreUnavailableError.
        """
        ops = self._medium(message, n, verdict, found) if found is not None else []
        return await self._settled(message, n, _after(verdict, found), ops)

    async def adopt(self, message: Item, n: int, upload: Item | None) -> Settled | None:
        """Settle the n-th medium of a message of ours out of its settled upload, unless it is; None = it is gone.

        Raises GoingError where the upload's file is gone, ContendedError, StoreUnavailableError.
        """
        ops = self._adopted(message, n, upload["sha256"]) if upload and upload["state"] == "ready" else []
        return await self._settled(message, n, _taken_over(upload), ops)

    async def _settled(self, message: Item, n: int, said: Item, ops: list[Op]) -> Settled | None:
        current: Item | None = message
        for _ in range(ATTEMPTS * 4):
            current = await self._store.get("messages", message["pk"], message["sk"])
            if current is None:
                return None
            if medium(current, n)["state"] != PENDING or released(current):
                return Settled(current, fresh=False)
            if await self._written(current, n, said, ops):
                after = await self._store.get("messages", message["pk"], message["sk"])
                return None if after is None else Settled(after, fresh=True)
        raise ContendedError("media: others kept moving the same message")

    async def _written(self, message: Item, n: int, said: Item, ops: list[Op]) -> bool:
        media = [{**each, **said} if each["n"] == n else each for each in message["media"]]
        same = Attr("rev").eq(message["rev"])
        moved = Update(
            "messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1}, condition=same
        )
        try:
            await commit(self._store, self._ids, [moved, *ops])
        except ConditionFailedError as error:
            if _MEDIUM_OP in error.failed:
                raise GoingError from None
            return False
        return True

    async def served_as(self, settled: Item) -> str:
        """The type under which a settled medium is served."""
        item = await self._store.get("media", settled["sha256"])
        return UNKNOWN if item is None else str(item["mime"])

    def _medium(self, message: Item, n: int, verdict: Verdict, found: Found) -> list[Op]:
        """The file's own item, made at its first sight, and the reference that keeps it alive."""
        now = self._clock.now_ms()
        ops: list[Op] = [
            file_item(verdict, found, now),
            Put("media", _reference(message, n, found.sha256, now)),
        ]
        return [*ops, render_item(message, n, found.sha256, now)] if verdict.state == "ready" else ops

    def _adopted(self, message: Item, n: int, sha256: str) -> list[Op]:
        """A reference to a file that is kept already."""
        now = self._clock.now_ms()
        kept = Attr("pk").exists() & Attr(GOING).not_exists()
        return [
            Check("media", sha256, "-", kept),
            Put("media", _reference(message, n, sha256, now)),
            render_item(message, n, sha256, now),
        ]


def file_item(verdict: Verdict, found: Found, at_ms: int) -> Update:
    """The op that makes a file's own item at its first sight; it fails while the file is being deleted."""
    known = {
        "mime": verdict.served_as,
        "sniffed": found.sniffed,
        "size": found.size,
        "verdict": verdict.state,
        "first_seen": at_ms,
        **({"finding": found.finding} if found.finding else {}),
    }
    return Update("media", found.sha256, "-", set_once=known, condition=Attr(GOING).not_exists())


def _reference(message: Item, n: int, sha256: str, at_ms: int) -> Item:
    return {
        "pk": sha256,
        "sk": f"ref#{message['message_id']}#{n}",
        "conversation_id": message["pk"],
        "order_key": message["sk"],
        "contact_id": message["contact_id"],
        "direction": message["direction"],
        "at": at_ms,
    }


def render_item(message: Item, n: int, sha256: str, at_ms: int) -> Update:
    """The op that has the renditions of a message's medium made from `at_ms` on."""
    place = {
        "conversation_id": message["pk"],
        "order_key": message["sk"],
        "position": n,
        "sha256": sha256,
    }
    return due_item(SERVICE, at_ms, RENDER, f"{message['message_id']}#{n}", **place)


def medium(message: Item, n: int) -> Item:
    """The n-th medium of a message. Raises StopIteration never: positions come from the message itself."""
    return next(each for each in message["media"] if each["n"] == n)


def released(message: Item) -> bool:
    """Whether a message keeps no files: its person was erased, or took it back for good (shared/record/changes.py)."""
    return bool(message.get("erased") or message.get("files_go"))


def _after(verdict: Verdict, found: Found | None) -> Item:
    seen = {} if found is None else {"sha256": found.sha256, "size": found.size}
    reason = {"reason": verdict.reason} if verdict.reason else {}
    return {"state": verdict.state, **seen, **reason}


def _taken_over(upload: Item | None) -> Item:
    """What a medium says of its upload."""
    if upload is None:
        return {"state": "failed", "reason": "upload_gone"}
    told = ("state", "reason", "sha256", "mime", "size", "sends")
    return {name: upload[name] for name in told if name in upload}
