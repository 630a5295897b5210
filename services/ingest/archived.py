"""Archived envelopes read again, and parts of them taken out again."""

import json
from collections.abc import Collection
from dataclasses import replace

from services.ingest.archive import CONTENT_TYPE, Arrived, arrived, raw_key
from services.ingest.redact import without
from shared.objects.port import Objects
from shared.queue.port import Message
from shared.whatsapp.item import AnyItem
from shared.whatsapp.items import items


class Archived:
    """The raw archive after the fact.

    Args:
        raw: the raw bucket.
    """

    def __init__(self, raw: Objects) -> None:
        self._raw = raw

    async def read(self, key: str) -> Arrived:
        """An archived envelope as it arrived: its id, its stamp and its attributes are those of that moment.

        Raises ObjectMissingError, ObjectsUnavailableError.
        """
        body, info = await self._raw.read(key)
        known = info.metadata
        arrival_ns = int(known.get("arrival-ns", "0"))
        attributes = json.loads(known.get("attributes", "{}"))
        text = body.decode("utf-8", "surrogatepass")
        queue = "connect" if key.startswith("raw/connect/") else "ingest"
        found = arrived(Message("", text, "", 1, arrival_ns // 1_000_000, attributes), queue)
        gone = tuple(int(n) for n in known.get("gone", "").split(",") if n)
        name = key.rpartition("/")[2].partition(".")[0]
        return replace(found, raw_id=name, arrival_ns=arrival_ns or found.arrival_ns, gone=gone)

    async def rewrite(self, found: Arrived, gone: Collection[int], key: str | None = None) -> bool:
        """Take items out of an archived envelope; one with nothing left in it goes whole. True = it went.

        Args:
            found: as read or as received.
            gone: positions of its items, as `numbered` tells them.
            key: where it lies, if not in the archive proper.
        """
        at = key or raw_key(found)
        places = [n for n, item in enumerate(numbered(found)) if item.position in gone]
        rest = without(found.body.decode("utf-8", "surrogatepass"), found.envelope, places)
        if rest is None:
            await self._raw.delete(at)
            return True
        facts = {
            "arrival-ns": str(found.arrival_ns),
            "attributes": json.dumps(dict(found.attributes)),
            "gone": ",".join(str(n) for n in sorted({*found.gone, *gone})),
        }
        body = rest.encode("utf-8", "surrogatepass")
        await self._raw.put(at, body, content_type=CONTENT_TYPE, metadata=facts)
        return False


def numbered(found: Arrived) -> list[AnyItem]:
    """The items of an envelope, at the positions they had when it arrived whole."""
    if found.envelope is None:
        return []
    left = items(found.envelope)
    if not found.gone:
        return left
    free = (n for n in range(len(left) + len(found.gone)) if n not in found.gone)
    return [replace(item, position=n) for item, n in zip(left, free, strict=False)]
