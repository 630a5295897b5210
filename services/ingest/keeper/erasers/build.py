"""All erasers over the stores they clean, in the order in which they are asked."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.ingest.keeper.erasers.archive import ArchiveEraser
from services.ingest.keeper.erasers.files import CdnEraser, MediaEraser
from services.ingest.keeper.erasers.outside import DestinationsCount, SearchEraser
from services.ingest.keeper.erasers.parked import ParkedEraser
from services.ingest.keeper.erasers.people import AliasesEraser, KeysEraser, PolicyEraser
from services.ingest.keeper.erasers.places import stated
from services.ingest.keeper.erasers.runs import RunsEraser
from services.ingest.keeper.erasers.said import ChatsEraser, DeskLogEraser, MessagesEraser, ThreadsEraser
from services.ingest.keeper.mentions import Mentions
from services.ingest.keeper.ports import Edges, SearchPlace
from shared.clock import Clock
from shared.ids import Ids
from shared.objects.port import Objects
from shared.queue.port import Queue
from shared.record.erasure import Eraser
from shared.record.files import Files
from shared.store.port import Store
from shared.vault.keys import ContactKeys


@dataclass(frozen=True, slots=True)
class Stores:
    """What the erasers clean.

    Attributes:
        raw, media, exports: the buckets.
        dlqs: dead-letter queues by the name of their queue; `envelopes`: those whose bodies are envelopes.
        edges: the CDN; None = none that caches.
    """

    store: Store
    raw: Objects
    media: Objects
    exports: Objects
    files: Files
    keys: ContactKeys
    search: SearchPlace
    edges: Edges | None
    dlqs: Mapping[str, Queue]
    envelopes: Collection[str]
    mentions: Mentions
    clock: Clock
    ids: Ids


def erasers(on: Stores) -> tuple[Eraser, ...]:
    """Every place there is, the keys first: from then on nothing sealed can be opened. A new store adds its own."""
    store = on.store
    return (
        KeysEraser(store, on.keys),
        AliasesEraser(store),
        MediaEraser(store, on.media, on.files),
        CdnEraser(store, on.edges),
        MessagesEraser(store, on.raw),
        PolicyEraser(store),
        ChatsEraser(store, on.raw),
        ThreadsEraser(store, on.clock, on.ids),
        ArchiveEraser(store, on.raw, on.mentions),
        ParkedEraser(on.dlqs, on.envelopes, on.mentions),
        RunsEraser(on.exports),
        SearchEraser(on.search),
        DestinationsCount(store),
        DeskLogEraser(store),
        *stated(),
    )
