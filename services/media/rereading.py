"""Words on a file that were not looked for when it was decoded, because its sender's budget was used up."""

from services.media.beside import Beside
from services.media.budgets import Budgets
from services.media.ledger import medium
from services.media.renderer import READ, Renderer
from services.media.shelf import Shelf
from shared.store.port import Item


class Rereading:
    """Handles the due items of kind `read`."""

    def __init__(self, shelf: Shelf, renderer: Renderer, budgets: Budgets, beside: Beside) -> None:
        self._shelf = shelf
        self._renderer = renderer
        self._budgets = budgets
        self._beside = beside

    async def on_due(self, item: Item) -> None:
        """Read, put what was read beside the message and tell; over budget again it is owed again."""
        n, message = int(item["position"]), await self._beside.message(item)
        sha256 = None if message is None else medium(message, n).get("sha256")
        known = await self._shelf.get(sha256) if sha256 else None
        if message is None or sha256 is None or known is None:
            return
        if await self._budgets.waits("ocr_pages", message, n, 1, READ):
            return
        said = await self._renderer.read(sha256, known)
        after = await self._beside.add(message, n, said, {})
        if after is not None:  # without words, too: the message has a new revision, which search waits for
            await self._beside.tell(after, "ocr")
