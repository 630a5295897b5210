"""A client of the desk's live stream, as the console is one: it remembers every state it was shown."""

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import aiohttp

RECONNECT_S = 0.3


class Listener:
    """Follows `/v1/stream`, and again from the last id whenever the stream ends.

    Args:
        url: base URL of the desk's API.
        token: gives a fresh bearer token of an agent.

    Attributes:
        ticks: message_id -> the states of ours in the order in which they were shown, repeats left out.
        events: how many events came. resets: how often the log no longer reached back.
    """

    def __init__(self, http: aiohttp.ClientSession, url: str, token: Callable[[], str]) -> None:
        self._http = http
        self._url = url
        self._token = token
        self._last = ""
        self.ticks: dict[str, list[str]] = {}
        self.events = 0
        self.resets = 0
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                await self._follow()
            await asyncio.sleep(RECONNECT_S)

    async def _follow(self) -> None:
        headers = {"Authorization": f"Bearer {await asyncio.to_thread(self._token)}"}
        if self._last:
            headers["Last-Event-ID"] = self._last
        forever = aiohttp.ClientTimeout(total=None, sock_read=60)
        async with self._http.get(f"{self._url}/v1/stream", headers=headers, timeout=forever) as answer:
            answer.raise_for_status()
            async for event in _events(answer.content):
                self._note(event)

    def _note(self, event: dict[str, str]) -> None:
        self._last = event.get("id", self._last)
        name = event.get("event", "")
        if name in {"ready", "reset"}:
            self.resets += name == "reset"
            self.ready.set()
            return
        self.events += 1
        self._tick(json.loads(event["data"]).get("message"))

    def _tick(self, message: dict[str, Any] | None) -> None:
        if message is None or message["direction"] != "out" or not message["state"]:
            return
        seen = self.ticks.setdefault(message["message_id"], [])
        if not seen or seen[-1] != message["state"]:
            seen.append(message["state"])


async def _events(lines: AsyncIterable[bytes]) -> AsyncIterator[dict[str, str]]:
    """Events of a stream (WHATWG HTML, "Server-sent events"): fields by name, comments left out."""
    event: dict[str, str] = {}
    async for raw in lines:
        name, _, value = raw.decode().rstrip("\r\n").partition(":")
        if name:
            event[name] = value.removeprefix(" ")
        elif "data" in event:
            yield event
            event = {}
