"""The load of chaos-record: every kind of message, a tenth of them files, some of them late."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.faults.newsroom import Newsroom

# A tenth of the messages are files; 5 % arrive up to 400 ms after their time, 1 % up to a minute.
MEDIA_EVERY = 10
SHORT_EVERY, SHORT_MS = 20, 400
LONG_EVERY, LONG_MS = 100, 60_000
# In place of the usual trouble's; delays are drawn for each message here.
_SHARES = (
    {"kind": "duplicate", "rate": 0.05, "max_ms": 1500},
    {"kind": "redeliver", "rate": 0.02, "max_ms": 3000},
    {"kind": "delay", "rate": 0},
)
_FILES = ("image", "video", "audio", "voice", "document", "sticker")
_TEXTS = (
    "text",
    "text",
    "text",
    "location",
    "contacts",
    "button",
    "button_reply",
    "list_reply",
    "nfm_reply",
    "order",
)
_AFTER = ("reaction", "edit", "revoke")
_AFTERWARDS = 0.1
_TOKENS_EVERY = 2000  # messages: long before the tokens of an hour are over
_TRICKLE_S = 0.7


class Load:
    """Customers and agents, at a steady rate, with the shares above.

    Args:
        room: where they write.
        rate: a second.
        chance: seeded choices.
        advanced: told of each message.

    Attributes:
        count: messages in all. counts: files and delays that it ordered.
        over: set once all have been written.
    """

    def __init__(
        self, room: Newsroom, count: int, rate: float, chance: random.Random, advanced: Callable[[], None]
    ) -> None:
        self._room = room
        self.count = count
        self._rate = rate
        self._chance = chance
        self._advanced = advanced
        self._last: dict[str, str] = {}  # person -> their newest message
        self.counts: Counter[str] = Counter()
        self.over = asyncio.Event()

    async def run(self) -> None:
        """All of it."""
        for share in _SHARES:
            await self._room.twin("faults", **share, seed=self._chance.randrange(10**6))
        replies = asyncio.create_task(
            self._room.reply_at(self._rate / MEDIA_EVERY, self.count // MEDIA_EVERY)
        )
        began = time.monotonic()
        for number in range(self.count):
            await asyncio.sleep(max(0.0, began + number / self._rate - time.monotonic()))
            await self._one(number)
            if number % _TOKENS_EVERY == 0:
                self._room.tokens.clear()
        await replies
        self.over.set()

    async def trickle(self, enough: asyncio.Event) -> None:
        """Behind the load, until it is enough: whoever is to be caught at work must have some."""
        await self.over.wait()
        number = 0
        while not enough.is_set():
            await self._one(number)
            if number % 3 == 0:
                await self._room.reply_at(1, 1)
            await asyncio.sleep(_TRICKLE_S)
            number += 1

    async def _one(self, number: int) -> None:
        """A message, late where its lot says so."""
        person = self._chance.choice(self._room.people)
        what = self._what(person, number)
        if _due(number, LONG_EVERY):
            await self._late("delayed up to 60 s", SHORT_MS, LONG_MS, person, what)
        elif _due(number, SHORT_EVERY):
            await self._late("delayed up to 400 ms", 1, SHORT_MS, person, what)
        else:
            self._last[person] = await self._room.write(person, **what)
        self.counts["files"] += what["type"] in _FILES
        self._advanced()

    async def _late(self, name: str, least_ms: int, most_ms: int, person: str, what: dict[str, Any]) -> None:
        """The one message that is written while delays are in force."""
        delay = {
            "kind": "delay",
            "min_ms": least_ms,
            "max_ms": most_ms,
            "seed": self._chance.randrange(10**6),
        }
        await self._room.twin("faults", **delay, rate=1)
        try:
            self._last[person] = await self._room.write(person, **what)
        finally:
            await self._room.twin("faults", kind="delay", rate=0)
        self.counts[name] += 1

    def _what(self, person: str, number: int) -> dict[str, Any]:
        if number % MEDIA_EVERY == 0:
            return {"type": _FILES[number // MEDIA_EVERY % len(_FILES)], "text": "Miren esto"}
        if person in self._last and self._chance.random() < _AFTERWARDS:
            kind = self._chance.choice(_AFTER)
            return {"type": kind, "target": self._last[person], "text": "Corrijo: fue a las siete"}
        return {"type": self._chance.choice(_TEXTS), "text": f"Se fue la luz en la colonia, van {number}"}


def _due(number: int, every: int) -> bool:
    """One of each `every`, at another place in each round, so that files are late too."""
    turn, place = divmod(number, every)
    return place == 7 * turn % every
