"""A file's own item: whose turn it is to decode it, and what came of that, once for all messages that have it.

`media`, pk = sha256, sk = "-": besides what ledger.py writes, `rendering_by` and `rendering_until` (ms) while one
task decodes it, `renders` how often that was begun; and once it is done `rendered` (ms), `renditions` {name: MIME
type}, `facts`, `hashes` {index, query} of 16 hex digits each, `reason`, `near_sk` (services/media/similar.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from services.media.ledger import GOING
from services.media.ports import Decoded, Hashes
from services.media.similar import near_entry, near_sk
from shared.clock import Clock
from shared.ids import Ids
from shared.record.commit import commit
from shared.store.port import Attr, ConditionFailedError, Item, Op, Store, Update

TABLE = "media"
LEASE_MS = 10 * 60 * 1000  # longer than a decoding may take in all (adapters/steps.py)
MOST_RENDERS = 3  # a file that brought the task down this often is decoded no more
_TURN = ("rendering_by", "rendering_until")


class Shelf:
    """The items of files, as far as their renditions go."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._name = ids.token()

    async def get(self, sha256: str) -> Item | None:
        """A file's item; None where it is gone."""
        item = await self._store.get(TABLE, sha256)
        return None if item is None or GOING in item else item

    async def take(self, sha256: str) -> int | None:
        """Take the turn to decode a file: how many have, this one included; None where another has it, or had."""
        now = self._clock.now_ms()
        free = Attr("rendering_until").not_exists() | Attr("rendering_until").lt(now)
        turn = Update(
            TABLE,
            sha256,
            "-",
            set={"rendering_by": self._name, "rendering_until": now + LEASE_MS},
            add={"renders": 1},
            condition=_open() & (free | Attr("rendering_by").eq(self._name)),
        )
        try:
            item = await self._store.write(turn)
        except ConditionFailedError:
            return None
        return int((item or {}).get("renders", 1))

    async def keep(self, sha256: str, decoded: Decoded, renditions: Mapping[str, str]) -> bool:
        """Write what decoding gave; False where the file is gone, or another was as far."""
        now = self._clock.now_ms()
        done = {
            "rendered": now,
            "renditions": dict(renditions),
            "facts": dict(decoded.facts),
            "reason": decoded.reason,
        }
        ops: list[Op] = []
        if decoded.hashes is not None:
            done |= {"hashes": _written(decoded.hashes), "near_sk": near_sk(now, sha256)}
            ops.append(near_entry(now, sha256, decoded.hashes))
        ops.insert(0, Update(TABLE, sha256, "-", set=done, remove=_TURN, condition=_open()))
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return False
        return True


def hashes_of(item: Item) -> Hashes | None:
    """The hashes of a file's item."""
    kept = item.get("hashes")
    return None if kept is None else Hashes(_read(kept["index"]), _read(kept["query"]))


def _open() -> Any:
    return Attr("pk").exists() & Attr(GOING).not_exists() & Attr("rendered").not_exists()


def _written(hashes: Hashes) -> dict[str, list[str]]:
    return {
        "index": [f"{each:016x}" for each in hashes.index],
        "query": [f"{each:016x}" for each in hashes.query],
    }


def _read(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in words)
