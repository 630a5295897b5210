"""The writing run: each line of a chat through `keep()`, its file into `incoming/`, its event to the desk.

Messages go in groups: ids are put down, written, told, and only then counted as done. Whatever stops the run,
the same command goes on after the last group that is done, and what was written twice is one message.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.imports.chat import Attachment, Message
from ops.imports.identity import Line, Lines
from ops.imports.journal import Journal, Progress
from ops.imports.meet import ChatPeople, Meeting
from ops.imports.names import Names
from ops.imports.persons import Persons
from ops.imports.plan import Planned
from ops.imports.ports import Ports
from ops.imports.reasons import BadFileError
from ops.imports.shape import LARGEST, Shaped, shape
from shared.events.model import Event
from shared.ids import imported_id
from shared.record.imported import Written
from shared.record.inbound import Direction, Imported, Inbound, Origin
from shared.store.port import Item, Update

GROUP = 100
AT_ONCE = 4  # chats; the messages of one wait for each other at their conversation's item


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message with all that is decided about it; the first of `ids` is its own."""

    message: Message
    shaped: Shaped
    file: Attachment | None
    line: Line
    ids: tuple[str, ...]
    direction: Direction

    @property
    def brings(self) -> bool:
        """Whether it comes with a file that may be carried."""
        return self.file is not None and self.file.size <= LARGEST


class Importer:
    """One run.

    Args:
        advanced: told after each group how many messages it had.
    """

    def __init__(
        self,
        ports: Ports,
        pnid: str,
        names: Names,
        persons: Persons,
        journal: Journal,
        progress: Progress,
        advanced: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._ports = ports
        self._pnid = pnid
        self._names = names
        self._journal = journal
        self._progress = progress
        self._advanced = advanced
        self._meeting = Meeting(ports, pnid, persons, journal, progress)

    @property
    def unmatched(self) -> list[str]:
        """Printed names of whom no number is known."""
        return list(self._meeting.unmatched)

    async def run(self, chats: Sequence[Planned]) -> Progress:
        """Write all chats, a few at once. Raises one of ports.TROUBLE when a store stays away, and BadFileError."""
        permits = asyncio.Semaphore(AT_ONCE)

        async def one(planned: Planned) -> None:
            async with permits:
                people = await self._meeting.meet(planned)
                if people is None:
                    self._count("erased", planned.tally.entries)
                else:
                    await self._chat(people)

        try:
            async with asyncio.TaskGroup() as group:
                for planned in chats:
                    group.create_task(one(planned))
        except* Exception as errors:  # noqa: BLE001 - what stopped one chat, as itself
            raise errors.exceptions[0] from None
        self._progress.state = "done"
        await self._put_down()
        return self._progress

    async def _chat(self, people: ChatPeople) -> None:
        first, done = 0, self._progress.done.get(people.id, 0)
        for group in _groups(self._ready(people)):
            if first + len(group) > done:
                await self._group(people, first, group)
            first += len(group)

    def _ready(self, people: ChatPeople) -> Iterator[_Ready]:
        """The chat's messages in order, each with its identity."""
        lines = Lines()
        for found in people.chat.found():
            if isinstance(found, Message):
                sender = people.cast.told_apart(found.sender, found.mine, self._names)
                line = lines.of(found.at_s, sender, found.said)
                file = people.chat.files.get(found.said.file) if found.said.file else None
                direction = people.cast.direction(found.sender, found.mine)
                shaped = shape(found, file.size if file else None)
                yield _Ready(found, shaped, file, line, self._ids(people, line), direction)

    def _ids(self, people: ChatPeople, line: Line) -> tuple[str, ...]:
        facts = (line.minute, line.sender, line.content, line.ordinal)
        return tuple(imported_id(self._pnid, party, *facts) for party in people.parties)

    async def _group(self, people: ChatPeople, first: int, group: Sequence[_Ready]) -> None:
        """Write a group of messages, tell of them, and count them as done."""
        asked = [each for one in group for each in one.ids]
        known = await self._ports.patiently(lambda: self._ports.imports.known(asked))
        fresh = [one.ids[0] for one in group if self._brought(one, known) is None]
        await self._ports.patiently(lambda: self._journal.intend(people.id, first, fresh))
        told: list[Event] = []
        owed: list[Update] = []
        for one in group:
            written = await self._one(people, one, known)
            told += written.events
            owed += written.owed
        await self._ports.tell(told, owed)
        self._progress.done[people.id] = first + len(group)
        await self._put_down()
        self._advanced(len(group))

    def _brought(self, one: _Ready, known: Mapping[str, Item]) -> Item | None:
        """The `ids` item of a message that is not this run's to write: another one's, or under an earlier party."""
        own = known.get(one.ids[0])
        if own is not None and own.get("raw_id") == self._progress.run:
            return None
        return next((known[each] for each in one.ids if each in known), None)

    async def _one(self, people: ChatPeople, one: _Ready, known: Mapping[str, Item]) -> Written:
        seen = self._brought(one, known)
        if seen is not None:
            return await self._there(people, one, seen)
        if one.ids[0] not in known and one.brings:
            await self._upload(one.ids[0], one)
        inbound = self._inbound(people, one)
        kept = await self._ports.patiently(lambda: self._ports.record.keeper.keep(inbound))
        self._count(kept.kind)
        if kept.kind == "erased":
            await self._dropped(one.ids[0])
        return Written(kept.events, kept.owed)

    async def _there(self, people: ChatPeople, one: _Ready, seen: Item) -> Written:
        """A line that an import brought before: only its file may be new."""
        imports = self._ports.imports
        wanted = one.brings and await self._ports.patiently(lambda: imports.wants_file(seen))
        if not wanted or not await self._upload(seen["pk"], one):
            self._count("again")
            return Written()
        self._count("file")
        mime, content = one.shaped.media[0].mime, self._content(people, one)
        return await self._ports.patiently(
            lambda: imports.supply(seen, one.shaped.type, mime, content, self._progress.run)
        )

    async def _upload(self, message_id: str, one: _Ready) -> bool:
        """Put a file where the media worker looks for it, before its message exists; a damaged one is counted."""
        assert one.file is not None  # noqa: S101 - looked at by the caller
        file, mime = one.file, one.shaped.media[0].mime
        key = f"incoming/{message_id}/0/file"
        try:
            await self._ports.patiently(
                lambda: self._ports.media.put_stream(key, file.read(), content_type=mime)
            )
        except (BadFileError, OSError):
            self._count("damaged")
            return False
        return True

    async def _dropped(self, message_id: str) -> None:
        """The file of a line that is older than its person's erasure."""
        async for info in self._ports.media.list(f"incoming/{message_id}/"):
            await self._ports.media.delete(info.key)

    def _inbound(self, people: ChatPeople, one: _Ready) -> Inbound:
        message_id, clock = one.ids[0], self._ports.clock
        return Inbound(
            origin=Origin(self._progress.run, 0, clock.now_ns(), "import"),
            pnid=self._pnid,
            wamid=message_id,
            person=people.of(one.message.sender if one.direction == "in" else None),
            type=one.shaped.type,
            message=[one.line.minute, one.line.sender, one.line.content, one.line.ordinal],
            content=self._content(people, one),
            ts_s=one.message.at_s,
            preview=one.shaped.preview,
            direction=one.direction,
            group_id=people.group_id,
            flags=one.shaped.flags,
            media=one.shaped.media,
            imported=Imported(message_id, one.line.place, clock.now_ms()),
        )

    def _content(self, people: ChatPeople, one: _Ready) -> dict[str, Any]:
        """What is sealed: Meta's shape, and the line exactly as it stood."""
        printed = {
            "run": self._progress.run,
            "line": one.message.line,
            "sender": one.message.sender,
            "text": one.message.printed,
            "file": one.message.said.file,
            "chat": people.cast.title,
        }
        body = {"id": one.ids[0], **one.shaped.body}
        return {"message": body, "preview": one.shaped.preview, "import": printed}

    def _count(self, what: str, by: int = 1) -> None:
        self._progress.counts[what] = self._progress.counts.get(what, 0) + by

    async def _put_down(self) -> None:
        await self._ports.patiently(lambda: self._journal.write(self._progress))


def _groups(ready: Iterator[_Ready]) -> Iterator[list[_Ready]]:
    group: list[_Ready] = []
    for one in ready:
        group.append(one)
        if len(group) == GROUP:
            yield group
            group = []
    if group:
        yield group
