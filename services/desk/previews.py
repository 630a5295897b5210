"""The one line of a conversation in the inbox, without what its author took back, as far as that is not for a caller."""

from services.desk.beside import Beside
from services.desk.models import Preview
from shared.http.principal import CLEARED, Principal
from shared.record.changes import GONE, Policy
from shared.record.reader import Reader
from shared.store.port import Item, Store


class Previews:
    """Renders previews."""

    def __init__(self, store: Store, reader: Reader) -> None:
        self._store = store
        self._reader = reader

    async def of(self, conversation: Item, caller: Principal, policy: Policy) -> Preview | None:
        """The newest news as kept; where it was edited or deleted and that hides it, what is left of it."""
        cleared = caller.has(CLEARED)
        if policy.hides_edited(cleared=cleared) or policy.hides_revoked(cleared=cleared):
            message = await self._shown(conversation)
            if message is not None and message["rev"] > 1:  # only what stands beside it raises its rev
                return await self._left(
                    conversation, message, caller, Beside(protected=False, changes=policy)
                )
        return await self._kept(conversation)

    async def _shown(self, conversation: Item) -> Item | None:
        key = conversation.get("preview_order_key")
        return None if key is None else await self._store.get("messages", conversation["pk"], key)

    async def _left(
        self, conversation: Item, message: Item, caller: Principal, beside: Beside
    ) -> Preview | None:
        view = await self._reader.view(message)
        if not beside.takes_back(view, caller):
            return await self._kept(conversation)
        wordings = beside.edits(view, caller)
        if not wordings:
            return Preview(text=GONE, type="revoke", direction=message["direction"])
        content = await self._reader.open(wordings[-1])
        return Preview(text=content.preview, type="edit", direction=message["direction"])

    async def _kept(self, conversation: Item) -> Preview | None:
        found = await self._reader.preview(conversation)
        if not found:
            return None
        return Preview(**{name: str(found.get(name, "")) for name in ("text", "type", "direction")})
