"""Caching, sharing and destruction of contacts' keys, on virtual time."""

import asyncio
from collections import Counter
from collections.abc import Mapping

import pytest

from shared.store.memory import MemoryStore
from shared.vault.keys import ContactKeys
from shared.vault.memory import MemoryKeys
from shared.vault.port import KeyDestroyedError, KeysUnavailableError
from sim.clock import VirtualClock, token_bytes
from sim.loop import run


class Counted(MemoryKeys):
    """Counts calls, takes a moment for each, fails on order."""

    def __init__(self) -> None:
        super().__init__(token_bytes("keys"))
        self.calls: Counter[str] = Counter()
        self.down = False

    async def generate(self, context: Mapping[str, str]) -> tuple[bytes, bytes]:
        await self._answer("generate")
        return await super().generate(context)

    async def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        await self._answer("unwrap")
        return await super().unwrap(wrapped, context)

    async def _answer(self, call: str) -> None:
        self.calls[call] += 1
        await asyncio.sleep(0.1)
        if self.down:
            raise KeysUnavailableError


class World:
    def __init__(self) -> None:
        self.service = Counted()
        self.store = MemoryStore()
        self.keys = self.process()

    def process(self) -> ContactKeys:
        return ContactKeys(self.service, self.store, VirtualClock())


def test_a_key_is_made_once_and_stands_in_memory_for_a_minute() -> None:
    async def scene() -> None:
        world = World()
        made = await world.keys.ensure("p")
        assert await world.keys.ensure("p") == await world.keys.key("p") == made
        assert world.service.calls == {"generate": 1}
        await asyncio.sleep(59.5)
        await world.keys.key("p")
        assert world.service.calls == {"generate": 1}
        await asyncio.sleep(0.5)
        assert await world.keys.key("p") == made
        assert world.service.calls == {"generate": 1, "unwrap": 1}

    run(0, scene())


def test_what_is_stored_is_wrapped() -> None:
    async def scene() -> None:
        world = World()
        plain = await world.keys.ensure("p")
        item = await world.store.get("contact_keys", "p")
        assert item is not None
        assert item.keys() == {"pk", "sk", "wrapped", "made_at"}
        assert plain not in item["wrapped"]

    run(0, scene())


def test_a_contact_never_seen_has_no_key() -> None:
    async def scene() -> None:
        world = World()
        with pytest.raises(KeyDestroyedError):
            await world.keys.key("p")
        assert world.service.calls == {}

    run(0, scene())


@pytest.mark.parametrize("seed", range(5))
def test_concurrent_misses_share_one_call(seed: int) -> None:
    async def scene() -> None:
        world = World()
        keys = await asyncio.gather(*(world.keys.ensure("p") for _ in range(10)))
        assert len(set(keys)) == 1
        assert world.service.calls == {"generate": 1}
        fresh = world.process()
        assert set(await asyncio.gather(*(fresh.key("p") for _ in range(10)))) == set(keys)
        assert world.service.calls == {"generate": 1, "unwrap": 1}

    run(seed, scene())


@pytest.mark.parametrize("seed", range(20))
def test_processes_that_make_a_key_at_once_agree(seed: int) -> None:
    async def scene() -> None:
        world = World()
        keys = await asyncio.gather(*(world.process().ensure("p") for _ in range(4)))
        assert len(set(keys)) == 1

    run(seed, scene())


def test_an_asker_that_gives_up_does_not_fail_the_others() -> None:
    async def scene() -> None:
        world = World()
        first, second = (asyncio.ensure_future(world.keys.ensure("p")) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        assert len(await second) == 32
        assert first.cancelled()

    run(0, scene())


def test_a_failure_is_told_to_all_and_not_kept() -> None:
    async def scene() -> None:
        world = World()
        world.service.down = True
        answers = await asyncio.gather(*(world.keys.ensure("p") for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [KeysUnavailableError] * 3
        world.service.down = False
        assert len(await world.keys.ensure("p")) == 32

    run(0, scene())


def test_a_destroyed_key_is_gone_everywhere_within_a_minute() -> None:
    async def scene() -> None:
        world, other = World(), None
        await world.keys.ensure("p")
        other = world.process()
        await other.key("p")
        await world.keys.destroy("p")
        await world.keys.destroy("p")
        with pytest.raises(KeyDestroyedError):
            await world.keys.key("p")
        with pytest.raises(KeyDestroyedError):
            await world.keys.ensure("p")
        await asyncio.sleep(60)
        with pytest.raises(KeyDestroyedError):
            await other.key("p")
        item = await world.store.get("contact_keys", "p")
        assert item is not None
        assert "wrapped" not in item

    run(0, scene())


@pytest.mark.parametrize("seed", range(20))
def test_a_key_being_read_while_it_is_destroyed_is_not_cached(seed: int) -> None:
    async def scene() -> None:
        world = World()
        await world.keys.ensure("p")
        fresh = world.process()
        reading = asyncio.ensure_future(fresh.key("p"))
        await asyncio.sleep(0.05)
        await fresh.destroy("p")
        await asyncio.wait([reading])
        with pytest.raises(KeyDestroyedError):
            await fresh.key("p")

    run(seed, scene())


def test_a_key_destroyed_before_it_was_made_is_never_made() -> None:
    async def scene() -> None:
        world = World()
        await world.keys.destroy("p")
        with pytest.raises(KeyDestroyedError):
            await world.keys.ensure("p")

    run(0, scene())


def test_memory_does_not_grow_with_every_contact_ever_seen() -> None:
    async def scene() -> None:
        world = World()
        for n in range(3000):
            await world.keys.ensure(f"p{n}")
        assert len(world.keys._known) <= 1024 + 1

    run(0, scene())
