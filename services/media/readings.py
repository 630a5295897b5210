"""What was read out of a file, sealed beside each message that has it: its text and the card of its metadata.

`messages`, sk = `<order_key>#reading#<n>`: `sealed` {"text", "card", "transcript"} under the message's own key, `read`
says that there is text, `heard` that there is a transcript, `unread` that words on it are still to be read. Place, device and author are a source's own, so they are nowhere else in the record.
"""

from collections.abc import Mapping
from typing import Any

from shared.clock import Clock
from shared.media.reading import KIND, reading_sk
from shared.record.sealing import Sealing
from shared.store.port import Item, Key, Op, Put, Store
from shared.vault.port import KeyDestroyedError
from shared.vault.seal import SealBrokenError

_LOOKED_AT = 5  # other messages with the same file whose reading is asked for


class Readings:
    """Finds and writes readings."""

    def __init__(self, store: Store, sealing: Sealing, clock: Clock) -> None:
        self._store = store
        self._sealing = sealing
        self._clock = clock

    async def get(self, message: Item, n: int) -> Item | None:
        """The reading beside a message."""
        return await self._store.get("messages", message["pk"], reading_sk(message["sk"], n))

    async def of_another(self, sha256: str) -> Mapping[str, Any] | None:
        """What another message's reading of the same file says; None where no other can be opened."""
        page = await self._store.query("media", sha256, Key("sk").begins_with("ref#"), limit=_LOOKED_AT)
        for reference in page.items:
            if "order_key" not in reference:  # an agent's upload that is in no message yet
                continue
            n = int(reference["sk"].rpartition("#")[2])
            sk = reading_sk(reference["order_key"], n)
            item = await self._store.get("messages", reference["conversation_id"], sk)
            if item is not None and not item.get("unread") and (said := await self._opened(item)) is not None:
                return said
        return None

    async def opened(self, message: Item, n: int) -> Mapping[str, Any]:
        """What the reading beside a message says; empty where there is none."""
        item = await self.get(message, n)
        return {} if item is None else await self._opened(item) or {}

    async def op(self, message: Item, n: int, said: Mapping[str, Any], *, unread: bool = False) -> Op | None:
        """The op that puts a reading beside a message; None where its person was erased."""
        sk = reading_sk(message["sk"], n)
        try:
            sealed = await self._sealing.fields(message["key_id"], dict(said), "messages", message["pk"], sk)
        except KeyDestroyedError:
            return None
        own = {"pk": message["pk"], "sk": sk, "kind": KIND, "n": n, "key_id": message["key_id"]}
        named = {"read": said.get("text"), "heard": said.get("transcript"), "unread": unread}
        told = {name: True for name, value in named.items() if value}
        return Put("messages", {**own, **sealed, "read": False, **told, "at": self._clock.now_ms()})

    async def _opened(self, item: Item) -> Mapping[str, Any] | None:
        try:
            said: Mapping[str, Any] | None = await self._sealing.open_item("messages", item)
        except (KeyDestroyedError, SealBrokenError):
            return None
        return said
