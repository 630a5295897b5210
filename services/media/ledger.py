"""Writing a medium's outcome: the medium, its reference and the message's rev in one transaction, once."""

from dataclasses import dataclass

from services.media.verdict import Found, Verdict
from shared.clock import Clock
from shared.ids import Ids
from shared.record.commit import ATTEMPTS, commit
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update

PENDING = "pending"


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
        """Settle the n-th medium of a message unless it is; None where the message is gone.

        Raises ContendedError, StoreUnavailableError.
        """
        current: Item | None = message
        for _ in range(ATTEMPTS * 4):
            current = await self._store.get("messages", message["pk"], message["sk"])
            if current is None:
                return None
            if medium(current, n)["state"] != PENDING:
                return Settled(current, fresh=False)
            if await self._written(current, n, verdict, found):
                after = await self._store.get("messages", message["pk"], message["sk"])
                return None if after is None else Settled(after, fresh=True)
        raise ContendedError("media: others kept moving the same message")

    async def _written(self, message: Item, n: int, verdict: Verdict, found: Found | None) -> bool:
        media = [_after(each, verdict, found) if each["n"] == n else each for each in message["media"]]
        same = Attr("rev").eq(message["rev"])
        ops: list[Op] = [
            Update(
                "messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1}, condition=same
            )
        ]
        if found is not None:
            ops += self._medium(message, n, verdict, found)
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return False
        return True

    def _medium(self, message: Item, n: int, verdict: Verdict, found: Found) -> list[Op]:
        """The file's own item, made at its first sight, and the reference that keeps it alive."""
        now = self._clock.now_ms()
        known = {
            "mime": verdict.served_as,
            "sniffed": found.sniffed,
            "size": found.size,
            "verdict": verdict.state,
            "first_seen": now,
        }
        reference = {
            "pk": found.sha256,
            "sk": f"ref#{message['message_id']}#{n}",
            "conversation_id": message["pk"],
            "order_key": message["sk"],
            "at": now,
        }
        return [Update("media", found.sha256, "-", set_once=known), Put("media", reference)]


def medium(message: Item, n: int) -> Item:
    """The n-th medium of a message. Raises StopIteration never: positions come from the message itself."""
    return next(each for each in message["media"] if each["n"] == n)


def _after(before: Item, verdict: Verdict, found: Found | None) -> Item:
    seen = {} if found is None else {"sha256": found.sha256, "size": found.size}
    reason = {"reason": verdict.reason} if verdict.reason else {}
    return {**before, "state": verdict.state, **seen, **reason}
