"""`cdmx import --undo RUN`: what a run wrote goes, what others wrote stays. Again, it goes on where it stopped."""

from collections.abc import Callable

from ops.imports.journal import Journal, Progress
from ops.imports.ports import Ports


class NoRunError(Exception):
    """There is no such run, or nothing of it is left; the message says which."""


async def undo(
    ports: Ports, journal: Journal, run: str, advanced: Callable[[int], None] = lambda _: None
) -> Progress:
    """Take a run back. Raises NoRunError, and one of ports.TROUBLE when a store stays away.

    Files it gave to messages of other runs stay, and so do people that were merged: docs/es/importar.md.
    """
    progress = await journal.read()
    if progress is None:
        raise NoRunError(
            f"no hay ninguna importación {run}: la última línea de cada importación dice su nombre"
        )
    if progress.state == "undone":
        raise NoRunError(f"la importación {run} ya se deshizo")
    removed = 0
    async for message_ids in journal.intended():
        for message_id in message_ids:
            removed += await _removed(ports, run, message_id)
        advanced(len(message_ids))
    for conversation in progress.conversations:
        await _settle(ports, conversation)
    for aliases in progress.met:
        await _forget(ports, aliases)
    progress.state, progress.done, progress.counts = "undone", {}, {"removed": removed}
    progress.named = {}
    await ports.patiently(lambda: journal.write(progress))
    await journal.forget()
    return progress


async def _removed(ports: Ports, run: str, message_id: str) -> bool:
    written = await ports.patiently(lambda: ports.imports.remove(message_id, run))
    if written is None and await ports.imports.known([message_id]):
        return False  # it was put down, and another run wrote it
    async for info in ports.media.list(f"incoming/{message_id}/"):
        await ports.media.delete(info.key)
    if written is None:
        return False
    await ports.tell(written.events, written.owed)
    return True


async def _settle(ports: Ports, conversation: str) -> None:
    written = await ports.patiently(lambda: ports.imports.settle(conversation))
    await ports.tell(written.events, written.owed)


async def _forget(ports: Ports, aliases: list[str]) -> None:
    await ports.patiently(lambda: ports.imports.forget(aliases))
