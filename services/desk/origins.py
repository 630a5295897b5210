"""What is known of a file beyond its message: where it was seen first, who else sent it or one near the same, its hashes."""

from collections.abc import Sequence

from services.desk.file_models import FileOrigin, Medium, MediumDetail
from shared.media.origin import TABLE, origin_of, references
from shared.record.events import rfc3339
from shared.store.port import Item, Store


class Origins:
    """Reads of a message's detail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def details(self, media: Sequence[Medium], *, cleared: bool) -> list[MediumDetail]:
        """Files with what is known beyond this message; `cleared`: who also sees what protected people sent."""
        return [
            MediumDetail(
                **medium.model_dump(),
                origin=await self._origin(medium.sha256, cleared=cleared) if medium.sha256 else None,
                perceptual_hashes=await self._hashes(medium.sha256) if medium.sha256 else [],
            )
            for medium in media
        ]

    async def _origin(self, sha256: str, *, cleared: bool) -> FileOrigin | None:
        found = await references(self._store, sha256)
        known = found if cleared else await self._unprotected(found)
        origin = origin_of(known)
        if origin is None:
            return None
        return FileOrigin(
            first_seen=rfc3339(origin.first_seen),
            first_message_id=origin.first_message_id,
            sources=origin.sources,
            messages=origin.messages,
            variants=origin.variants,
        )

    async def _unprotected(self, found: Sequence[Item]) -> list[Item]:
        """Without what protected people sent: that they sent it too is theirs."""
        about = [_about(each) for each in found]
        asked = list(dict.fromkeys(key for keys in about for key in keys))
        items = await self._store.get_many(asked) if asked else {}
        guarded = {key for key, item in items.items() if item.get("protected")}
        return [each for each, keys in zip(found, about, strict=True) if guarded.isdisjoint(keys)]

    async def _hashes(self, sha256: str) -> list[str]:
        item = await self._store.get(TABLE, sha256)
        return list((item or {}).get("hashes", {}).get("index", ()))


def _about(reference: Item) -> list[tuple[str, str, str]]:
    keys = [("conversations", str(reference["conversation_id"]), "-")]
    contact_id = reference.get("contact_id")
    return [*keys, ("contacts", str(contact_id), "-")] if contact_id else keys
