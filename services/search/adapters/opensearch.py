"""The index on OpenSearch, through opensearch-py."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import ConnectionTimeout, RequestError, TransportError

from services.search import dsl, mapping
from services.search.port import (
    Found,
    Hit,
    IndexTimeoutError,
    IndexUnavailableError,
    Kind,
    Outcome,
    Query,
    Write,
)
from shared import topology

WRITE_TIMEOUT_S = 30
GRACE_S = 0.2  # the answer's way home, on top of the time the engine may take
TOO_MANY, FAULT, CONFLICT, MISSING = 429, 500, 409, 404


class OpenSearchIndex:
    """Monthly message indices behind one alias, and one index of conversations.

    Args:
        client: owned by the composition root.
        prefix: the environment's, in front of every index name.
    """

    def __init__(self, client: AsyncOpenSearch, prefix: str) -> None:
        self._client = client
        self._alias = f"{prefix}{topology.SEARCH_ALIAS}"
        self._conversations = f"{prefix}{topology.SEARCH_CONVERSATIONS}"

    async def ensure(self, month: str) -> None:
        """Template, the month's index and the conversations' stand."""
        template = mapping.messages_template(f"{self._alias}-*", self._alias)
        await _guarded(self._client.indices.put_index_template(name=self._alias, body=template))
        await self._create(f"{self._alias}-{month}", {})
        await _guarded(
            self._client.indices.put_mapping(index=f"{self._alias}-*", body=mapping.messages_mapping())
        )
        await self._create(self._conversations, mapping.conversations_index())

    async def apply(self, writes: Sequence[Write]) -> list[Outcome]:
        """One bulk; a delete without a month goes to every month there is, since its id can only be in one."""
        months = await self._months() if any(_homeless(write) for write in writes) else []
        spread = [(n, line) for n, write in enumerate(writes) for line in self._lines(write, months)]
        if not spread:
            return [Outcome("done")] * len(writes)
        answer = await _guarded(
            self._client.bulk(body=b"".join(line for _, line in spread), request_timeout=WRITE_TIMEOUT_S)
        )
        outcomes = [Outcome("done")] * len(writes)
        for (n, _), item in zip(spread, answer["items"], strict=True):
            outcomes[n] = _worse(outcomes[n], _outcome(next(iter(item.values()))))
        return outcomes

    async def forget(self, contact_id: str) -> None:
        """Remove every message document of a person, those of the last second included."""
        await self.refresh()
        question = {"query": {"term": {"contact_id": contact_id}}}
        await _guarded(
            self._client.delete_by_query(
                index=self._alias,
                body=question,
                conflicts="proceed",
                refresh=True,
                request_timeout=WRITE_TIMEOUT_S,
            )
        )

    async def get(self, kind: Kind, id: str) -> tuple[int, Mapping[str, Any]] | None:  # noqa: A002 - its name
        """Version and document as stored."""
        names = [self._conversations] if kind == "conversations" else await self._months()
        for name in names:
            answer = await _guarded(self._client.get(index=name, id=id, ignore=MISSING))
            if answer.get("found"):
                return answer["_version"], answer["_source"]
        return None

    async def search(
        self, query: Query, limit: int, after: Sequence[Any] | None = None, timeout_s: float = 1.0
    ) -> Found:
        """One page."""
        request = dsl.body(query, limit + 1, after, timeout_s)
        answer = await self._ask(self._alias, request, timeout_s)
        rows = answer["hits"]["hits"]
        hits = [_hit(row) for row in rows[:limit]]
        total = answer["hits"]["total"]
        more = hits[-1].sort if len(rows) > limit else None
        return Found(hits, total["value"], total["relation"] == "eq", bool(answer["timed_out"]), more)

    async def resolve(self, name: str, limit: int = 100) -> list[str]:
        """conversation_ids whose alias, name or tag matches."""
        answer = await self._ask(self._conversations, dsl.resolve_body(name, limit), 1.0)
        return [row["_source"]["conversation_id"] for row in answer["hits"]["hits"]]

    async def refresh(self) -> None:
        """Make what is written visible now."""
        await _guarded(self._client.indices.refresh(index=f"{self._alias}*,{self._conversations}"))

    async def _ask(self, index: str, request: Mapping[str, Any], timeout_s: float) -> Any:
        try:
            async with asyncio.timeout(timeout_s + GRACE_S):
                return await _guarded(self._client.search(index=index, body=request, ignore_unavailable=True))
        except TimeoutError as error:
            raise IndexTimeoutError("no answer in time") from error

    async def _create(self, name: str, body: Mapping[str, Any]) -> None:
        if await _guarded(self._client.indices.exists(index=name)):
            return
        try:
            await _guarded(self._client.indices.create(index=name, body=body))
        except RequestError as error:  # another task was faster
            if error.error != "resource_already_exists_exception":
                raise

    async def _months(self) -> list[str]:
        found = await _guarded(self._client.indices.get(index=f"{self._alias}-*", allow_no_indices=True))
        return sorted(found)

    def _lines(self, write: Write, months: Sequence[str]) -> list[bytes]:
        if write.kind == "conversations":
            names: Sequence[str] = [self._conversations]
        else:
            names = months if write.month is None else [f"{self._alias}-{write.month}"]
        return [_line(write, name) for name in names]


def _homeless(write: Write) -> bool:
    return write.kind == "messages" and write.month is None


def _line(write: Write, index: str) -> bytes:
    kind = "external_gte" if write.again else "external"
    target = {"_index": index, "_id": write.id, "version": write.version, "version_type": kind}
    action = "delete" if write.document is None else "index"
    head = orjson.dumps({action: target}) + b"\n"
    return head if write.document is None else head + orjson.dumps(write.document) + b"\n"


def _outcome(item: Mapping[str, Any]) -> Outcome:
    status = item["status"]
    if status < 300 or status in (CONFLICT, MISSING):  # noqa: PLR2004 - RFC 9110: success
        return Outcome("done")  # a conflict means that a newer revision is there; a missing one was to go
    reason = str(item.get("error", {}).get("type", status))
    return Outcome("retry" if status == TOO_MANY or status >= FAULT else "rejected", reason)


def _worse(one: Outcome, other: Outcome) -> Outcome:
    order = ("done", "retry", "rejected")
    return max(one, other, key=lambda outcome: order.index(outcome.status))


def _hit(row: Mapping[str, Any]) -> Hit:
    return Hit(row["_source"], dsl.highlights(row.get("highlight", {})), row["sort"])


async def _guarded(call: Awaitable[Any]) -> Any:
    """The answer. A 404 or 400 passes as opensearch-py's own error; everything that may pass is unavailable."""
    try:
        return await call
    except ConnectionTimeout as error:
        raise IndexTimeoutError("connection timed out") from error
    except NoConnectionError as error:
        raise IndexUnavailableError("unreachable") from error
    except TransportError as error:
        status = int(error.status_code)
        if status == TOO_MANY or status >= FAULT:
            raise IndexUnavailableError(f"status {status}") from error
        raise
