"""Meeting the people of a chat: found or made in the record before its first line is written."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops.imports.chat import Chat
from ops.imports.journal import Journal, Progress
from ops.imports.names import Cast
from ops.imports.persons import Persons, meet_origin
from ops.imports.plan import Planned
from ops.imports.ports import Ports
from shared.ids import conversation_id
from shared.record.inbound import Person
from shared.record.ledger import PersonErasedError


@dataclass(frozen=True, slots=True)
class ChatPeople:
    """A chat that can be written: its people are known.

    Attributes:
        id: the chat's in the journal.
        senders: by printed name, in a group. party: the other person; in a group the newsroom.
        group_id: of a group.
        parties: those that ids may have been made with, the present one first.
    """

    id: str
    chat: Chat
    cast: Cast
    senders: dict[str, Person]
    party: Person
    group_id: str | None
    parties: tuple[str, ...]

    def of(self, sender: str | None) -> Person:
        """Whose message it is: in a chat of two always the other person's."""
        found = self.senders.get(sender or "", self.party)
        return Person(found.aliases)  # its names were learnt when it was met


class Meeting:
    """Meets people; `unmatched` are the printed names of whom no number is known."""

    def __init__(
        self, ports: Ports, pnid: str, persons: Persons, journal: Journal, progress: Progress
    ) -> None:
        self._ports = ports
        self._pnid = pnid
        self._persons = persons
        self._journal = journal
        self._progress = progress
        self.unmatched: dict[str, None] = {}

    async def meet(self, planned: Planned) -> ChatPeople | None:
        """Everybody who wrote in a chat; None where its other person was erased since.

        What an undo must know is put down before and after.
        """
        cast, chat = planned.cast, planned.chat
        assert cast is not None and chat is not None  # noqa: S101, PT018 - planned without an error
        found = await (self._group if cast.group else self._pair)(planned, chat, cast)
        if found is None:
            return None
        cid = conversation_id(self._pnid, found.parties[0])
        if cid not in self._progress.conversations:
            self._progress.conversations.append(cid)
        await self._put_down()
        return found

    async def _group(self, planned: Planned, chat: Chat, cast: Cast) -> ChatPeople:
        group_id = self._group_id(chat.key or cast.title)
        ours = self._persons.ours()
        senders = {one: self._person(one, None) for one in planned.tally.senders if one not in cast.mine}
        known = await self._resolved([*senders.values(), ours], planned.tally.last_s or 0)
        for printed, contact_id in zip(senders, known, strict=False):  # the newsroom itself stands last
            self._name(planned, printed, contact_id, planned.tally.senders[printed])
        return ChatPeople(planned.id, chat, cast, senders, ours, group_id, (group_id,))

    async def _pair(self, planned: Planned, chat: Chat, cast: Cast) -> ChatPeople | None:
        party = self._person(cast.title, chat.phone)
        (known,) = await self._resolved([party], planned.tally.last_s or 0)
        if known is None:
            return None
        theirs = sum(count for one, count in planned.tally.senders.items() if one not in cast.mine)
        self._name(planned, cast.title, known, theirs)
        parties = await self._ports.patiently(lambda: self._ports.imports.parties(self._pnid, known))
        return ChatPeople(planned.id, chat, cast, {}, party, None, tuple(parties))

    def _group_id(self, key: str) -> str:
        """A group's id: made of its name, which must not stand in the open."""
        alias = self._ports.pepper.alias("printed", f"{self._pnid}:group:{key}")
        return f"g_{alias.partition('#')[2][:26]}"

    def _person(self, printed: str, phone: str | None) -> Person:
        match = self._persons.of(printed, phone)
        if match.by == "name":
            self.unmatched[printed] = None
        return match.person

    def _name(self, planned: Planned, printed: str, contact_id: str | None, messages: int) -> None:
        """Put down whom the run knows by name alone, so that a person can say later who it is."""
        if printed in self.unmatched and contact_id is not None:
            self._progress.named.setdefault(contact_id, {})[planned.id] = messages

    async def _resolved(self, persons: Sequence[Person], last_s: int) -> list[str | None]:
        """Their contacts, minted where need be; who will be minted is put down before.

        None for who was erased after the chat's last line: nothing of theirs is kept, their name neither.
        """
        for person in persons:
            if not await self._found(person):
                self._progress.met.append(self._ports.record.people.alias_keys(person))
        await self._put_down()
        return [await self._contact(person, last_s) for person in persons]

    async def _found(self, person: Person) -> bool:
        return await self._ports.patiently(lambda: self._ports.record.people.find(person)) is not None

    async def _contact(self, person: Person, last_s: int) -> str | None:
        people, origin = self._ports.record.people, meet_origin(self._progress.run)
        try:
            party = await self._ports.patiently(lambda: people.resolve(person, origin, last_s))
        except PersonErasedError:
            return None
        await self._ports.tell(party.events, party.owed)
        return party.contact_id

    async def _put_down(self) -> None:
        await self._ports.patiently(lambda: self._journal.write(self._progress))
