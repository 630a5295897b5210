"""What an agent sees: the desk's API and the search index, over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiohttp

from twin.audit.observed import Document, Seen

_AT_ONCE = 8
_PAGE = 1000
_SCROLL = "1m"


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

    async def messages(self, ids: Sequence[str]) -> list[Seen]:
        """Messages by id, as the API shows them; one the API does not know is left out (and so found lost)."""
        found = await asyncio.gather(*(self._message(each) for each in ids))
        return [seen for seen in found if seen is not None]

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

    async def _message(self, message_id: str) -> Seen | None:
        async with (
            self._room,
            self._session.get(f"{self._desk}/v1/messages/{message_id}", headers=self._headers) as answer,
        ):
            if answer.status == 404:  # noqa: PLR2004 - RFC 9110
                return None
            answer.raise_for_status()
            return _seen(await answer.json())

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
