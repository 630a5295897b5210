"""A person asks for what is said in a sound: owed to services/media, which does it (shared/media/transcripts.py)."""

from shared.clock import Clock
from shared.media.transcripts import ask
from shared.store.port import Item, Store


class Transcripts:
    """Asks for transcripts."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def ask(self, message: Item, n: int) -> None:
        """Owe one; asked again it is made no second time. Raises ContendedError, StoreUnavailableError."""
        await self._store.write(ask(message, n, self._clock.now_ms()))
