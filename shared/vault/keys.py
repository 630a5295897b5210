"""Each person's data key: made once, kept wrapped in table `contact_keys`, unwrapped for at most 60 s.

Destroying a key leaves a tombstone, so that no late writer makes a new key under the old id and nothing
sealed before can be opened again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shared.clock import Clock
from shared.store.port import ConditionFailedError, Item, Put, Store, Update
from shared.vault.port import KeyDestroyedError, KeyService

TABLE = "contact_keys"
CACHE_S = 60.0  # CONTRACTS s.2: an erased or protected person's key is forgotten within a minute
AHEAD_S = 15.0  # a key used this shortly before its end is read anew beside: who writes often waits for none
_SWEEP_AT = 1024  # entries; beyond this each new one first clears those that ran out


class ContactKeys:
    """Plain data keys of contacts.

    A key stands in memory for 60 s; concurrent misses of one contact share one call.
    """

    def __init__(self, service: KeyService, store: Store, clock: Clock) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[float, bytes]] = {}
        self._asked: dict[str, asyncio.Task[bytes]] = {}

    async def key(self, contact_id: str) -> bytes:
        """The contact's key. Raises KeyDestroyedError where there is none: erased, or never made."""
        return await self._shared(contact_id, "read", self._fetch)

    async def ensure(self, contact_id: str) -> bytes:
        """The contact's key, made where there is none yet. Raises KeyDestroyedError once it was destroyed."""
        return await self._shared(contact_id, "ensure", self._fetch_or_make)

    async def destroy(self, contact_id: str) -> None:
        """Make everything sealed under the contact's key unreadable for good; again is no error."""
        self.forget(contact_id)
        now = self._clock.now_ms()
        gone = Update(TABLE, contact_id, "-", remove=["wrapped"], set_once={"destroyed_at": now})
        await self._store.write(gone)
        self.forget(contact_id)

    def forget(self, contact_id: str) -> None:
        """Drop the cached key of this process; the others forget it within 60 s."""
        self._known.pop(contact_id, None)
        for how in ("read", "ensure"):
            self._asked.pop(how + contact_id, None)

    async def _shared(self, contact_id: str, how: str, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
        known, now = self._known.get(contact_id), _now()
        name = how + contact_id
        if known is not None and now < known[0]:
            if known[0] - now < AHEAD_S and name not in self._asked:
                self._ask(contact_id, name, fetch)
            return known[1]
        return await asyncio.shield(self._asked.get(name) or self._ask(contact_id, name, fetch))

    def _ask(
        self, contact_id: str, name: str, fetch: Callable[[str], Awaitable[bytes]]
    ) -> "asyncio.Task[bytes]":
        task = asyncio.create_task(self._remember(contact_id, name, fetch))
        self._asked[name] = task
        task.add_done_callback(_look)
        return task

    async def _remember(self, contact_id: str, name: str, fetch: Callable[[str], Awaitable[bytes]]) -> bytes:
        me = asyncio.current_task()
        asked_at = _now()
        try:
            plain = await fetch(contact_id)
            if self._asked.get(name) is me:  # not forgotten meanwhile
                self._keep(contact_id, plain, asked_at + CACHE_S)
        except KeyDestroyedError:
            self._known.pop(contact_id, None)
            raise
        else:
            return plain
        finally:
            if self._asked.get(name) is me:
                del self._asked[name]

    def _keep(self, contact_id: str, plain: bytes, until: float) -> None:
        if len(self._known) >= _SWEEP_AT:
            now = _now()
            self._known = {each: entry for each, entry in self._known.items() if now < entry[0]}
        self._known[contact_id] = (until, plain)

    async def _fetch(self, contact_id: str) -> bytes:
        return await self._unwrap(contact_id, await self._store.get(TABLE, contact_id))

    async def _fetch_or_make(self, contact_id: str) -> bytes:
        found = await self._store.get(TABLE, contact_id)
        return await (self._make(contact_id) if found is None else self._unwrap(contact_id, found))

    async def mint(self, contact_id: str) -> Put:
        """The op that gives a contact its key, for the transaction that makes the contact."""
        return (await self._minted(contact_id))[1]

    async def _minted(self, contact_id: str) -> tuple[bytes, Put]:
        plain, wrapped = await self._service.generate(_context(contact_id))
        item = {"pk": contact_id, "sk": "-", "wrapped": wrapped, "made_at": self._clock.now_ms()}
        return plain, Put(TABLE, item, absent=True)

    async def _make(self, contact_id: str) -> bytes:
        plain, op = await self._minted(contact_id)
        try:
            await self._store.write(op)
        except ConditionFailedError:  # someone was faster, or it is our own lost answer
            return await self._fetch(contact_id)
        return plain

    async def _unwrap(self, contact_id: str, item: Item | None) -> bytes:
        if item is None or "wrapped" not in item:
            raise KeyDestroyedError(contact_id)
        return await self._service.unwrap(item["wrapped"], _context(contact_id))


def _context(contact_id: str) -> dict[str, str]:
    return {"contact_id": contact_id}


def _now() -> float:
    return asyncio.get_running_loop().time()


def _look(task: asyncio.Task[bytes]) -> None:
    """Take note of the error where every asker was cancelled, so that the loop does not complain of it."""
    if not task.cancelled():
        task.exception()
