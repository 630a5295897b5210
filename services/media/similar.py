"""Pictures near the same: found in memory among the hashes of all that are kept, and joined into groups in the record.

`media`, pk = "near", sk = `<rendered ms>#<sha256>`: `index`, three hashes of 8 bytes. Every task holds them all (24
bytes a picture) and reads on from where it was before each look. A group is named after its first-seen picture: the others say
`like` = its sha256, and beside it lies `like#<sha256>` for each (shared/media/origin.py reads them). Both sides
write first and look second, so that two pictures that come at once cannot miss each other. A picture that is being
deleted joins nobody, nor is it joined: what its deletion has to clean up stands before it is marked.
"""

from collections.abc import Sequence

import numpy as np

from services.media.ledger import GOING
from services.media.ports import Hashes
from shared.clock import Clock
from shared.ids import Ids
from shared.media.likeness import NEAR
from shared.media.origin import LIKE, like_sk
from shared.record.commit import commit
from shared.store.port import Attr, Check, ConditionFailedError, Item, Key, Op, Put, Store, Update

TABLE, PARTITION = "media", "near"
HASHES, BYTES = 3, 8
OVERLAP_MS = 5 * 60 * 1000  # a slow task's entry may stand before one that was read already
MOST = 20  # matches that are followed; more are in the same group anyhow


def near_sk(at_ms: int, sha256: str) -> str:
    """Sort key of a picture's hashes."""
    return f"{at_ms:013d}#{sha256}"


def near_entry(at_ms: int, sha256: str, hashes: Hashes) -> Put:
    """The op that makes a picture findable."""
    index = b"".join(each.to_bytes(BYTES, "big") for each in hashes.index)
    return Put(TABLE, {"pk": PARTITION, "sk": near_sk(at_ms, sha256), "index": index})


class Index:
    """The hashes of all pictures kept, as rows of an array that doubles as it fills."""

    def __init__(self) -> None:
        self._rows = np.zeros((1024, HASHES), dtype=np.uint64)
        self._of: dict[str, int] = {}
        self._shas: list[str] = []

    def add(self, sha256: str, index: bytes) -> None:
        """A picture; again is no second one."""
        at = self._of.setdefault(sha256, len(self._shas))
        if at == len(self._shas):
            self._shas.append(sha256)
            if at == len(self._rows):
                self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[at] = np.frombuffer(index, dtype=">u8")

    def near(self, query: Sequence[int], most: int = NEAR) -> list[str]:
        """Pictures of which a hash differs from one of the query's in at most `most` bits, the nearest first."""
        rows = self._rows[: len(self._shas)]
        if not len(rows):
            return []
        words = np.array(query, dtype=np.uint64)
        apart = np.bitwise_count(rows[:, :, None] ^ words).min(axis=(1, 2))
        found = np.flatnonzero(apart <= most)
        return [self._shas[at] for at in found[np.argsort(apart[found], kind="stable")]]


class Similar:
    """Finds and joins."""

    def __init__(self, store: Store, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._index = Index()
        self._read_to_ms = 0

    async def join(self, sha256: str, hashes: Hashes) -> str:
        """Join a kept picture with those near it; answers the sha256 of its group's first."""
        await self._read_on()
        near = [each for each in self._index.near(hashes.query) if each != sha256][:MOST]
        firsts = await self._firsts([sha256, *near])
        if not firsts:
            return sha256
        oldest = min(firsts, key=lambda each: (each["first_seen"], each["pk"]))["pk"]
        for each in firsts:
            if each["pk"] != oldest:
                await self._write(oldest, each["pk"])
        return str(oldest)

    async def _read_on(self) -> None:
        """Read what other tasks, and this one, have added."""
        start: Item | None = None
        after = Key("sk").gt(near_sk(max(0, self._read_to_ms - OVERLAP_MS), ""))
        while True:
            page = await self._store.query(TABLE, PARTITION, after, start=start)
            for item in page.items:
                at, _, sha256 = item["sk"].partition("#")
                self._index.add(sha256, item["index"])
                self._read_to_ms = max(self._read_to_ms, int(at))
            start = page.next
            if start is None:
                return

    async def _firsts(self, shas: Sequence[str]) -> list[Item]:
        """The items of the groups' firsts to which these files belong; files that are gone belong to none."""
        items = await self._items(shas)
        for _ in range(
            8
        ):  # groups join pairwise, so chains are short; one this long is followed at the next look
            later = [each[LIKE] for each in items if LIKE in each]
            if not later:
                break
            firsts = await self._items(later)
            there = {each["pk"] for each in firsts}
            kept = [each for each in items if each.get(LIKE) not in there]
            items = [{name: value for name, value in each.items() if name != LIKE} for each in kept] + firsts
        return list({each["pk"]: each for each in items}.values())

    async def _items(self, shas: Sequence[str]) -> list[Item]:
        keys = [(TABLE, each, "-") for each in dict.fromkeys(shas)]
        found = await self._store.get_many(keys)
        return [found[key] for key in keys if key in found and GOING not in found[key]]

    async def _write(self, first: str, later: str) -> None:
        stays = Attr("pk").exists() & Attr(GOING).not_exists()
        ops: list[Op] = [
            Check(TABLE, first, "-", stays),
            Update(TABLE, later, "-", set={LIKE: first}, condition=stays),
            Put(TABLE, {"pk": first, "sk": like_sk(later), "at": self._clock.now_ms()}),
        ]
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return  # one of them goes meanwhile
