"""The index from the keeper's side, on OpenSearch, through opensearch-py.

Names and versions are those that the indexer gives: one index a month of `kept_at` behind an alias, the
message_id as id, the record's revision as external version.
"""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnectionError
from opensearchpy.exceptions import NotFoundError, TransportError

from services.ingest.keeper.ports import Document, SearchUnavailableError
from shared import topology

TIMEOUT_S = 30
BATCH = 500
TOO_MANY, FAULT, CONFLICT, MISSING = 429, 500, 409, 404


class OpenSearchPlace:
    """Message and thread documents.

    Args:
        client: owned by the composition root.
        prefix: the environment's.
    """

    def __init__(self, client: AsyncOpenSearch, prefix: str) -> None:
        self._client = client
        self._alias = f"{prefix}{topology.SEARCH_ALIAS}"
        self._threads = f"{prefix}{topology.SEARCH_CONVERSATIONS}"

    async def forget(self, contact_ids: Sequence[str]) -> int:
        """Remove every message document of these people, and every thread's that still names them."""
        theirs: dict[str, Any] = {"terms": {"contact_id": list(contact_ids)}}
        named = {"bool": {"filter": [theirs, {"exists": {"field": "name"}}]}}
        return await self._delete(self._alias, theirs) + await self._delete(self._threads, named)

    async def remove(self, documents: Sequence[Document]) -> None:
        """Remove documents; the delete's version keeps older revisions out for `gc_deletes`, a day."""
        for start in range(0, len(documents), BATCH):
            lines = [_line(self._index(each), each) for each in documents[start : start + BATCH]]
            answer = await _guarded(self._client.bulk(body=b"".join(lines), request_timeout=TIMEOUT_S))
            for row in answer["items"]:
                if row["delete"]["status"] >= 300 and row["delete"]["status"] not in (CONFLICT, MISSING):  # noqa: PLR2004 - RFC 9110: success
                    raise SearchUnavailableError(f"delete answered {row['delete']['status']}")

    async def missing(self, documents: Sequence[Document]) -> frozenset[str]:
        """message_ids that are not held at this revision or a later one."""
        lacking: set[str] = set()
        for start in range(0, len(documents), BATCH):
            batch = documents[start : start + BATCH]
            asked = [
                {"_index": self._index(each), "_id": each.message_id, "_source": False} for each in batch
            ]
            rows = (await _guarded(self._client.mget(body={"docs": asked})))["docs"]
            lacking |= {
                each.message_id
                for each, row in zip(batch, rows, strict=True)
                if not row.get("found") or row["_version"] < each.rev
            }
        return frozenset(lacking)

    async def _delete(self, index: str, question: Mapping[str, Any]) -> int:
        try:
            await _guarded(self._client.indices.refresh(index=index))
            answer = await _guarded(
                self._client.delete_by_query(
                    index=index,
                    body={"query": question},
                    conflicts="proceed",
                    refresh=True,
                    request_timeout=TIMEOUT_S,
                )
            )
        except NotFoundError:
            return 0  # nothing was ever indexed
        return int(answer["deleted"])

    def _index(self, each: Document) -> str:
        return f"{self._alias}-{datetime.fromtimestamp(each.kept_at / 1000, UTC):%Y.%m}"


def _line(index: str, each: Document) -> bytes:
    target = {
        "_index": index,
        "_id": each.message_id,
        "version": each.rev + 1,
        "version_type": "external_gte",
    }
    return orjson.dumps({"delete": target}) + b"\n"


async def _guarded(call: Awaitable[Any]) -> Any:
    try:
        return await call
    except NotFoundError:
        raise
    except (NoConnectionError, TransportError) as error:
        raise SearchUnavailableError(type(error).__name__) from error
