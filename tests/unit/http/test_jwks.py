"""The key cache on a virtual clock: rotation, floods, outages."""

import asyncio

import pytest

from shared.http.jwks import COOLDOWN_S, FRESH_S, STALE_S, Keys
from shared.http.memory import MemoryJwks
from shared.http.port import JwksUnavailableError
from tests.unit.http.tokens import Signer

OLD, NEW = Signer(kid="old"), Signer(kid="new", algorithm="ES256")


class Moved:
    """Lets a test move the running loop's time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = 0.0
        loop = asyncio.get_running_loop()
        real = loop.time
        monkeypatch.setattr(loop, "time", lambda: real() + self.offset)


async def test_one_fetch_serves_many_callers() -> None:
    source = MemoryJwks([OLD.jwk()])
    keys = Keys(source)
    found = await asyncio.gather(*(keys.find("old") for _ in range(50)))
    assert all(found)
    assert source.fetches == 1


async def test_a_rotated_key_is_found_and_a_withdrawn_one_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    moved, source = Moved(monkeypatch), MemoryJwks([OLD.jwk()])
    keys = Keys(source)
    assert await keys.find("old")
    moved.offset += COOLDOWN_S
    source.keys = [OLD.jwk(), NEW.jwk()]
    assert await keys.find("new")
    source.keys = [NEW.jwk()]
    assert await keys.find("old")
    moved.offset += FRESH_S + 1
    assert await keys.find("old") is None


async def test_a_flood_of_unknown_kids_costs_one_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    moved, source = Moved(monkeypatch), MemoryJwks([OLD.jwk()])
    keys = Keys(source)
    assert await keys.find("old")
    moved.offset += COOLDOWN_S
    assert not any(await asyncio.gather(*(keys.find(f"kid-{n}") for n in range(1000))))
    assert source.fetches == 2
    assert len(keys._keys) == 1, "unknown kids leave nothing behind"


async def test_the_last_set_serves_through_an_outage_until_it_is_stale(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moved, source = Moved(monkeypatch), MemoryJwks([OLD.jwk()])
    keys = Keys(source)
    assert await keys.find("old")
    source.fail = True
    moved.offset += FRESH_S + 1
    assert await keys.find("old")
    moved.offset += STALE_S
    with pytest.raises(JwksUnavailableError):
        await keys.find("old")
    source.fail = False
    moved.offset += COOLDOWN_S
    assert await keys.find("old")


async def test_nobody_gets_in_before_the_first_set() -> None:
    source = MemoryJwks()
    source.fail = True
    keys = Keys(source)
    for _ in range(5):
        with pytest.raises(JwksUnavailableError):
            await keys.find("old")
    assert source.fetches == 1, "an unreachable provider is not hammered"
