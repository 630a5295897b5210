"""A newsroom's traffic on a running system, for the fault tests: customers, agents, a live client, an audit.

Everything goes through the outer faces: the twin plays the customers, agents and editors use the desk's API.
Bounded in count and in time.
"""

import asyncio
import base64
import json
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp

from local.system import System
from tests.faults.newsroom_audit import EACH_S, LIMIT_S, Audit, audited
from tests.faults.newsroom_live import Listener

WORDS = ("sismo", "incendio")
MEDIA = ("image", "video", "audio", "document", "sticker")
# Destination -> the route that leads there.
PLACES: dict[str, dict[str, Any]] = {
    "todo": {"by": "all", "values": []},
    "archivo": {"by": "type", "values": list(MEDIA)},
    "alertas": {"by": "keyword", "values": list(WORDS)},
}
TROUBLE = (
    {"kind": "duplicate", "rate": 0.2, "max_ms": 1500},
    {"kind": "redeliver", "rate": 0.1, "max_ms": 3000},
    {"kind": "delay", "rate": 0.25, "max_ms": 2500},  # longer than the 500 ms hold: late ones come too
    {"kind": "batch", "rate": 0.2, "max_ms": 400},
    {"kind": "late_status", "rate": 0.1, "min_ms": 500, "max_ms": 4000},
    {"kind": "lost_status", "rate": 0.05},
    {"kind": "throttle", "rate": 0.05},
    {"kind": "error_after", "rate": 0.03},
    {"kind": "reset_after", "rate": 0.03},
    {"kind": "media_error", "rate": 0.1},
    {"kind": "media_slow", "rate": 0.5, "min_ms": 100, "max_ms": 900},
)
_INSIST_S = 120.0
_PAUSE_S = 0.3
_NEWS = (
    "Se sintió fuerte el sismo en la Narvarte",
    "Hay un incendio en la Merced, se ve el humo",
    "Buenos días, ¿a qué hora es la conferencia?",
    "Fuga de agua sobre Universidad desde las seis",
    "Les mando lo que grabé en el Metro Pino Suárez",
)
_PLAIN = ("image", "video", "audio", "voice", "document", "sticker", "location", "contacts")
_ANSWERS = ("button", "button_reply", "list_reply", "nfm_reply", "order")


@dataclass(slots=True)
class Counts:
    """What the traffic exercised."""

    written: int = 0
    acknowledged: int = 0
    refused: int = 0
    insisted: int = 0
    types: dict[str, int] = field(default_factory=dict)


class Newsroom:
    """Traffic on one system, whose first and only newsroom this is: routes exist before the first message.

    Args:
        system: started.
        chance: seeded choices.
        folder: for the acknowledgements and ticks the audit reads.
        people: how many customers write.
        hooks: base URL under which the destinations are reached; the twin's own by default.
    """

    def __init__(
        self, system: System, chance: random.Random, folder: Path, people: int = 12, hooks: str = ""
    ) -> None:
        self.system = system
        self._hooks = hooks or system.urls["twin"]
        self.counts = Counts()
        self.said: dict[str, str] = {}  # wamid -> customer
        self.acks: dict[str, str] = {}  # message_id -> text
        self.tokens: dict[str, str] = {}
        self.secrets: dict[str, str] = {}  # destination -> signing secret
        self.people = [f"52155{number:08d}" for number in chance.sample(range(10**8), people)]
        self._chance = chance
        self._folder = folder
        self._stack = AsyncExitStack()
        self.http: aiohttp.ClientSession
        self.live: Listener

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=20)
        self.http = await self._stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        self.live = Listener(self.http, self.system.urls["desk"], lambda: self.system.token("agent-12"))
        task = asyncio.create_task(self.live.run())
        self._stack.push_async_callback(_ended, task)
        await asyncio.wait_for(self.live.ready.wait(), 30)
        for name, match in PLACES.items():
            await self._configure(name, match)
        for number, person in enumerate(self.people):
            about = {"id": person, "wa_id": person, "name": f"Vecina {number} ~{uuid.uuid4().hex[:12]}"}
            await self.twin("customers", **about, reads=number % 3 > 0, hidden=number % 5 == 4)

    async def _configure(self, name: str, match: dict[str, Any]) -> None:
        """A receiver at the twin, a destination and a route of the desk, as an editor makes them."""
        secret = "whsec_" + base64.b64encode(self._chance.randbytes(32)).decode()
        self.secrets[name] = secret
        await self.twin("destinations", name=name, secret=secret)
        url = f"{self._hooks}/hooks/{name}"
        place = {"kind": "webhook", "url": url, "secret_value": secret, "media": "link"}
        await self._put(f"/v1/destinations/{name}", place)
        await self._put(f"/v1/routes/{name}", {"match": match, "destinations": [name], "enabled": True})

    async def _put(self, path: str, body: dict[str, Any]) -> None:
        headers = {**self.bearer("editor"), "If-None-Match": "*"}
        async with self.http.put(self.system.urls["desk"] + path, json=body, headers=headers) as answer:
            answer.raise_for_status()

    def bearer(self, client: str) -> dict[str, str]:
        """The header of one of local.secrets.CLIENTS; a token lives an hour."""
        if client not in self.tokens:
            self.tokens[client] = self.system.token(client)
        return {"Authorization": f"Bearer {self.tokens[client]}"}

    # --- the outside world

    async def twin(self, path: str, **body: Any) -> Any:
        """POST to the twin's control."""
        async with self.http.post(f"{self.system.urls['twin']}/_twin/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def trouble(self) -> None:
        """Duplicates, delays, batches, late and lost statuses, throttles, lost answers: from now on."""
        for fault in TROUBLE:
            await self.twin("faults", **fault, seed=self._chance.randrange(10**6))

    async def calm(self) -> None:
        """None of it any more."""
        async with self.http.delete(f"{self.system.urls['twin']}/_twin/faults") as answer:
            answer.raise_for_status()

    async def history(self) -> list[dict[str, Any]]:
        """All rows with their bodies."""
        url = f"{self.system.urls['twin']}/_twin/history?after=0&bodies=1"
        async with self.http.get(url) as answer:
            return [json.loads(line) async for line in answer.content if line.strip()]

    async def customers(self) -> list[dict[str, Any]]:
        """Everybody the twin knows."""
        async with self.http.get(f"{self.system.urls['twin']}/_twin/customers") as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def write(self, person: str | None = None, **what: Any) -> str:
        """A customer says something, by default something of the usual mixture; its wamid."""
        person = person or self._chance.choice(self.people)
        what = what or self._usual(person)
        said = await self.twin(f"customers/{person}/messages", **what)
        self.said[said["wamid"]] = person
        self.counts.written += 1
        self.counts.types[what["type"]] = self.counts.types.get(what["type"], 0) + 1
        return str(said["wamid"])

    def _usual(self, person: str) -> dict[str, Any]:
        kind = self._kind()
        own = [wamid for wamid, who in self.said.items() if who == person]
        what: dict[str, Any] = {"type": kind, "text": self._chance.choice(_NEWS)}
        if kind in {"reaction", "edit", "revoke"}:
            what |= {"target": self._chance.choice(own)} if own else {"type": "text"}
        elif own and self._chance.random() < 0.1:
            what["reply_to"] = self._chance.choice(own)
        return what

    def _kind(self) -> str:
        draw = self._chance.random()
        if draw < 0.5:
            return "text"
        if draw < 0.8:
            return self._chance.choice(_PLAIN)
        return self._chance.choice(_ANSWERS if draw < 0.9 else ("reaction", "reaction", "edit", "revoke"))

    async def write_at(self, rate: float, count: int) -> None:
        """`count` messages at a steady rate, not waiting for anything to come of them."""
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            await self.write()

    # --- the desk

    async def conversations(self) -> list[str]:
        """Ids of the inbox's first page; [] while the desk does not answer."""
        url = f"{self.system.urls['desk']}/v1/conversations?limit=100"
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self.http.get(url, headers=self.bearer("agent")) as answer:
                if answer.status == HTTPStatus.OK:
                    return [each["conversation_id"] for each in (await answer.json())["conversations"]]
        return []

    async def reply_at(self, rate: float, count: int) -> None:
        """Agents answer here and there at a steady rate, each insisting until it is acknowledged."""
        began, tasks = time.monotonic(), []
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            tasks.append(asyncio.create_task(self._answer_somebody(f"agent-{number % 8 + 1:02d}")))
        await asyncio.gather(*tasks)

    async def _answer_somebody(self, agent: str) -> None:
        deadline = time.monotonic() + _INSIST_S
        while time.monotonic() < deadline:
            inbox = await self.conversations()
            if inbox:
                await self.reply(self._chance.choice(inbox), agent)
                return
            await asyncio.sleep(_PAUSE_S)

    async def reply(self, conversation_id: str, agent: str = "agent-01", text: str = "") -> list[str]:
        """An agent answers and insists with the same Idempotency-Key until 202; the message ids, [] = refused."""
        text = text or f"Gracias, ya lo revisamos ~{uuid.uuid4().hex[:12]}"
        url = f"{self.system.urls['desk']}/v1/conversations/{conversation_id}/messages"
        headers = {**self.bearer(agent), "Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + _INSIST_S
        while time.monotonic() < deadline:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(
                    url, json={"type": "text", "text": text}, headers=headers
                ) as answer:
                    if answer.status == HTTPStatus.ACCEPTED:
                        return self._acknowledged(await answer.json(), text)
                    if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                        self.counts.refused += 1
                        return []
            self.counts.insisted += 1
            await asyncio.sleep(_PAUSE_S)
        raise RuntimeError(f"the desk acknowledged nothing within {_INSIST_S:.0f} s")

    def _acknowledged(self, answer: dict[str, Any], text: str) -> list[str]:
        ids = [each["message_id"] for each in answer["messages"]]
        self.acks |= dict.fromkeys(ids, text)
        self.counts.acknowledged += 1
        return ids

    async def get(self, path: str) -> dict[str, Any]:
        """What the desk's API answers an agent."""
        async with self.http.get(self.system.urls["desk"] + path, headers=self.bearer("agent")) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found

    # --- the end

    async def morning(self, messages: int, replies: int, rate: float) -> None:
        """Customers write and agents answer at once, over `messages / rate` seconds."""
        lasts = messages / rate
        await asyncio.gather(self.write_at(rate, messages), self.reply_at(replies / lasts, replies))

    async def settled(self, limit_s: float = 60) -> None:
        """Until nothing waits in the twin any more. Raises TimeoutError."""
        async with asyncio.timeout(limit_s):
            while True:
                if not await self._waiting():
                    return
                await asyncio.sleep(_PAUSE_S)

    async def _waiting(self) -> int:
        async with self.http.get(f"{self.system.urls['twin']}/_twin/health") as answer:
            return int((await answer.json())["waiting"])

    async def audit(self, wait_s: float = 120, **env: str) -> Audit:
        """The second opinion, once everything is at rest.

        Args:
            wait_s: how long it may take until then.
            env: replaces variables, for instance CDMX_DESK_URL.
        """
        await self.settled()
        acks, ticks = self._folder / "acks", self._folder / "ticks"
        acks.write_text(
            "".join(json.dumps({"message_id": i, "text": t}) + "\n" for i, t in self.acks.items())
        )
        ticks.write_text(json.dumps(self.live.ticks))
        admin = self.bearer("admin")["Authorization"].removeprefix("Bearer ")
        limit_s = LIMIT_S + EACH_S * self.counts.written
        return await audited({**self.system.env, "AUDIT_TOKEN": admin, **env}, acks, ticks, wait_s, limit_s)

    def told(self) -> Iterator[tuple[str, int]]:
        """The counts, one by one."""
        yield "customers' messages", self.counts.written
        yield "types", len(self.counts.types)
        yield "acknowledged replies", self.counts.acknowledged
        yield "repeated requests", self.counts.insisted
        yield "refused replies", self.counts.refused
        yield "live events", self.live.events


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
