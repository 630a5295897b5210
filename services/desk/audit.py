"""audit_log: who did or saw what, appended only, each entry holding the hash of the one before.

pk "log"  sk <16 digits>  at, actor, action, subject, details, previous, hash
pk "head" sk "-"          n, hash
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.clock import Clock
from shared.ids import Ids
from shared.record.codec import dumps
from shared.record.commit import ATTEMPTS, commit, pause
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update

TABLE = "audit_log"
_HEAD = (TABLE, "head", "-")
_HASHED = ("sk", "at", "actor", "action", "subject", "details", "previous")


class AuditLog:
    """Appends entries; never changes one."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids

    async def record(
        self,
        actor: str,
        action: str,
        subject: str,
        details: Mapping[str, Any] | None = None,
        beside: Sequence[Op] = (),
    ) -> None:
        """Append an entry, in one transaction with what it speaks of.

        Args:
            actor: agent_id.
            action: e.g. `raw.viewed`.
            subject: the id it is about.
            details: ids and facts, never content.
            beside: the ops of the audited change.

        Raises:
            ConditionFailedError: one of `beside` was refused, its positions counted in `beside`.
            ContendedError, StoreUnavailableError.
        """
        for attempt in range(ATTEMPTS * 4):
            ops = await self._ops(actor, action, subject, dict(details or {}))
            try:
                await commit(self._store, self._ids, [*beside, *ops])
            except ConditionFailedError as error:
                if mine := [n for n in error.failed if n < len(beside)]:
                    raise ConditionFailedError(mine, error.old) from error
                await asyncio.sleep(pause(self._ids, attempt))
            else:
                return
        raise ContendedError("audit_log: others kept appending")

    async def _ops(self, actor: str, action: str, subject: str, details: dict[str, Any]) -> list[Op]:
        head = await self._store.get(*_HEAD)
        n, previous = (head["n"], head["hash"]) if head else (0, "")
        entry: Item = {
            "pk": "log",
            "sk": f"{n + 1:016d}",
            "at": self._clock.now_ms(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "details": details,
            "previous": previous,
        }
        entry["hash"] = entry_hash(entry)
        as_read = Attr("n").eq(n) if n else Attr("n").not_exists()
        moved = Update(*_HEAD, set={"n": n + 1, "hash": entry["hash"]}, condition=as_read)
        return [moved, Put(TABLE, entry, absent=True)]


def entry_hash(entry: Mapping[str, Any]) -> str:
    """SHA-256 of what an entry says, the hash of the entry before included."""
    return hashlib.sha256(dumps({name: entry[name] for name in _HASHED})).hexdigest()


def first_broken(entries: Iterable[Mapping[str, Any]]) -> str | None:
    """The number of the first entry, in order, that was altered or follows a missing one; None = sound."""
    previous, expected = "", 1
    for entry in entries:
        sound = entry["hash"] == entry_hash(entry) and entry["previous"] == previous
        if not sound or int(entry["sk"]) != expected:
            return str(entry["sk"])
        previous, expected = entry["hash"], expected + 1
    return None
