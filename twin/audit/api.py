"""What an agent sees: the desk's API and the search index, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

import aiohttp

from twin.audit.observed import Document, Seen, Thread

_AT_ONCE = 8
_PAGE = 1000
_SCROLL = "1m"
_TRIES = 5
_PAUSE_S = 1.0


class Api:
    """Reads with a bearer token.

    Args:
        token: of a role that may see every message.
    """

    def __init__(
        self, session: aiohttp.ClientSession, desk: str, opensearch: str, twin: str, token: str
    ) -> None:
        self._session = session
        self._desk = desk
        self._opensearch = opensearch
        self._twin = twin
        self._headers = {"Authorization": f"Bearer {token}"}
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def messages(self, ids: Sequence[str]) -> tuple[list[Seen], list[str]]:
        """Messages by id, as the API shows them, and the ids of those that it cannot show.

        One that the API does not know is in neither list, and so found lost.
        """
        found = await asyncio.gather(*(self._message(each) for each in ids))
        unreadable = [each for each, seen in zip(ids, found, strict=True) if seen == "unreadable"]
        return [seen for seen in found if isinstance(seen, Seen)], unreadable

    async def threads(self, conversation_ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """conversation_id -> the ids on all pages of its thread; a thread that cannot be read has none."""
        ids = sorted(set(conversation_ids))
        return dict(zip(ids, await asyncio.gather(*(self._thread(each) for each in ids)), strict=True))

    async def named(self, threads: Iterable[Thread]) -> list[Thread]:
        """Conversations with the alias and the name an agent sees."""
        return list(await asyncio.gather(*(self._called(each) for each in threads)))

    async def documents(self, alias: str) -> list[Document]:
        """Every search document with its version."""
        await self._post(f"{self._opensearch}/{alias}/_refresh", {})
        return [
            Document(hit["_index"], hit["_id"], hit["_version"], hit["_source"])
            async for hit in self._hits(alias)
        ]

    async def history(self) -> list[dict[str, Any]]:
        """The twin's history with bodies."""
        async with self._session.get(f"{self._twin}/_twin/history?after=0&bodies=1") as answer:
            answer.raise_for_status()
            return [json.loads(line) async for line in answer.content if line.strip()]

    async def _message(self, message_id: str) -> Seen | Literal["unreadable"] | None:
        status, shown = await self._get(f"/v1/messages/{message_id}")
        if status == HTTPStatus.NOT_FOUND:
            return None
        return _seen(shown) if status == HTTPStatus.OK else "unreadable"

    async def _called(self, thread: Thread) -> Thread:
        _, shown = await self._get(f"/v1/conversations/{thread.id}")
        return replace(thread, alias=shown.get("alias") or "", name=shown.get("name") or "")

    async def _thread(self, conversation_id: str) -> frozenset[str]:
        path, found, older = f"/v1/conversations/{conversation_id}/messages?limit=200", set[str](), ""
        while True:
            status, page = await self._get(path + (f"&cursor={quote(older)}" if older else ""))
            found |= {each["message_id"] for each in page.get("messages", ())}
            older = page.get("older") or ""
            if status != HTTPStatus.OK or not older:
                return frozenset(found)

    async def _get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON; asked again where the desk is busy. Raises ClientResponseError where we may not ask."""
        for _ in range(_TRIES):
            async with self._room, self._session.get(self._desk + path, headers=self._headers) as answer:
                if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                    answer.raise_for_status()
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                    return answer.status, await answer.json() if answer.ok else {}
            await asyncio.sleep(_PAUSE_S)
        return HTTPStatus.SERVICE_UNAVAILABLE, {}

    async def _hits(self, alias: str) -> AsyncIterator[dict[str, Any]]:
        asked: dict[str, Any] = {"size": _PAGE, "version": True, "sort": ["_doc"], "query": {"match_all": {}}}
        page = await self._post(f"{self._opensearch}/{alias}/_search?scroll={_SCROLL}", asked)
        while hits := page["hits"]["hits"]:
            for hit in hits:
                yield hit
            page = await self._post(
                f"{self._opensearch}/_search/scroll", {"scroll": _SCROLL, "scroll_id": page["_scroll_id"]}
            )

    async def _post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        async with self._session.post(url, json=body) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found


def _seen(shown: Mapping[str, Any]) -> Seen:
    content = shown["whatsapp"] or {}
    received = shown["direction"] == "in" or "echo" in shown["flags"]
    return Seen(
        message_id=shown["message_id"],
        conversation_id=shown["conversation_id"],
        order_key=shown["order_key"],
        rev=shown["rev"],
        direction=shown["direction"],
        type=shown["type"],
        wamid=str(content.get("id", "")) if received else "",
        content=content,
        state=shown["state"] or "",
        attempts={f"{shown['message_id']}.{each['part']}": each["state"] for each in shown["attempts"]},
        media=shown["media"],
        source=shown["source"],
        echo="echo" in shown["flags"],
    )
