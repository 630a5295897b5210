"""Who a payload is about: the aliases a person goes by, and which contact belongs to which message.

From mid-2026 `from` and `wa_id` may be missing for people with a username: a BSUID (`user_id`) is then the
only key. Mexican numbers from before 2019 arrive as 521 + 10 digits and as 52 + 10 digits for one person.
Sources: Meta, "Business-scoped user IDs" (2026-08) and "Phone numbers" (extra prefix of Mexico).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.whatsapp.calls import Call
from shared.whatsapp.listed import StateSync, UserIdUpdate, UserPreference
from shared.whatsapp.messages import Message, SystemMessage
from shared.whatsapp.parts import Contact
from shared.whatsapp.statuses import Status
from shared.whatsapp.wire import Wire

Kind = Literal["bsuid", "waid", "phone"]

BUSINESS_INITIATED = "BUSINESS_INITIATED"  # Meta, Calling API: direction of a call we made
_MEXICO_OLD = re.compile(r"521(\d{10})", re.ASCII)
_MOVED = re.compile(r" changed from (\S{5,140}) to (\S{5,140})\Z")
_DIGITS = re.compile(r"\d{5,20}", re.ASCII)
_BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name the person goes by; the record stores its HMAC only. A BSUID's value starts with the portfolio."""

    kind: Kind
    value: str


@dataclass(frozen=True, slots=True)
class Person:
    """Raw keys of one person as a payload gives them; `waid` is what replies are sent to, unchanged."""

    user_id: str | None = None
    waid: str | None = None

    def __bool__(self) -> bool:
        return bool(self.user_id or self.waid)


@dataclass(frozen=True, slots=True)
class Change:
    """A person's keys before and after a change of number or BSUID."""

    old: Person
    new: Person


def is_bsuid(value: str) -> bool:
    """Whether a value has the form of a business-scoped user id (`MX.1349...`)."""
    return _BSUID.fullmatch(value) is not None


def canonical_phone(raw: str) -> str | None:
    """The number to compare by: digits only, Mexico's old `1` taken out; None where it is no number."""
    digits = raw.removeprefix("+")
    if not _DIGITS.fullmatch(digits):
        return None
    old = _MEXICO_OLD.fullmatch(digits)
    return f"52{old.group(1)}" if old else digits


def same_number(one: str | None, other: str | None) -> bool:
    """Whether two numbers are the same, however they are written."""
    return _same_phone(Person(None, one), Person(None, other))


def person(user_id: str | None, address: str | None) -> Person:
    """Sort two members into keys; a BSUID may stand where a number is expected and is never taken for one."""
    if address is not None and is_bsuid(address):
        return Person(user_id or address, None)
    return Person(user_id, address)


def aliases(people: Iterable[Person], portfolio: str) -> tuple[Alias, ...]:
    """All aliases of one person, each once, the strongest kind first."""
    known = list(people)
    bsuids = [Alias("bsuid", f"{portfolio}:{one.user_id}") for one in known if one.user_id]
    waids = [one.waid for one in known if one.waid]
    phones = [phone for phone in map(canonical_phone, waids) if phone]
    found = [*bsuids, *(Alias("waid", waid) for waid in waids), *(Alias("phone", phone) for phone in phones)]
    return tuple(dict.fromkeys(found))


def of_contact(contact: Contact) -> Person:
    """Keys of a `contacts` entry."""
    return person(contact.user_id, contact.wa_id)


def of_part(part: Wire, *, echo: bool = False) -> Person:
    """Keys of the person a message, call, status or preference is about; empty where it names none.

    The sender of what came in, the recipient of what went out (an `echo` of our own phone, our call). In a
    group status the participant: the group itself is no person.
    """
    if isinstance(part, Call):
        echo = part.direction == BUSINESS_INITIATED
    if isinstance(part, Message | Call):
        return _of_message(part, echo=echo)
    if isinstance(part, Status):
        return _of_status(part)
    if isinstance(part, UserPreference):
        return person(part.user_id, part.wa_id)
    if isinstance(part, StateSync):
        return person(None, part.contact.phone_number if part.contact else None)
    if isinstance(part, UserIdUpdate):
        return person(part.user_id.current if part.user_id else None, part.wa_id)
    return Person()


def _of_message(message: Message | Call, *, echo: bool) -> Person:
    """A system message may name its person only by the new key."""
    pair = (message.to_user_id, message.to) if echo else (message.from_user_id, message.from_)
    change = change_of(message) if isinstance(message, Message) else None
    return person(*pair) or (change.new if change else Person())


def _of_status(status: Status) -> Person:
    if status.recipient_type == "group":
        return person(status.recipient_participant_user_id, status.recipient_participant_id)
    return person(status.recipient_user_id, status.recipient_id)


def matching(contacts: Sequence[Contact], someone: Person) -> int | None:
    """Index of the contact that is this person.

    The same BSUID decides, then the same number; a lone contact that contradicts nothing is the sender of a
    message which names none (or names another kind of key). A contact that contradicts is never taken: two
    people would become one.
    """
    people = [of_contact(contact) for contact in contacts]
    for agree in (_same_user, _same_phone):
        for index, one in enumerate(people):
            if agree(one, someone) and not _contradicts(one, someone):
                return index
    return 0 if len(people) == 1 and not _contradicts(people[0], someone) else None


def _same_user(one: Person, other: Person) -> bool:
    return one.user_id is not None and one.user_id == other.user_id


def _same_phone(one: Person, other: Person) -> bool:
    return _comparable(one.waid) is not None and _comparable(one.waid) == _comparable(other.waid)


def _comparable(waid: str | None) -> str | None:
    return (canonical_phone(waid) or waid) if waid else None


def _contradicts(one: Person, other: Person) -> bool:
    """Both have a BSUID and they differ, or, without BSUIDs to compare, both have a number and they differ."""
    if one.user_id and other.user_id:
        return one.user_id != other.user_id
    return bool(one.waid and other.waid) and not _same_phone(one, other)


def change_of(message: Message) -> Change | None:
    """Old and new keys of a system message about a number or BSUID; None for any other.

    `user_changed_number` makes a new BSUID too; `system.customer` is the old number in older payloads.
    """
    system = message.system if isinstance(message, SystemMessage) else None
    if system is None:
        return None
    new = person(system.user_id, system.wa_id or system.new_wa_id)
    if not new:
        return None
    user_id = system.previous_user_id or message.from_user_id
    old = person(user_id, message.from_ or system.customer)
    return Change(old or _told(system.body, new), new)


def _told(body: str | None, new: Person) -> Person:
    """The old key out of Meta's sentence, where no member names it.

    Only its very end counts, and only if that ends in the new key: what stands before it is the person's name,
    which people choose themselves.
    """
    found = _MOVED.search(body or "")
    if found is None or found.group(2) not in {new.user_id, new.waid}:
        return Person()
    return person(None, found.group(1))


def change_of_user_id(update: UserIdUpdate) -> Change | None:
    """Old and new keys of a `user_id_update`; the number stays."""
    pair = update.user_id
    if pair is None or pair.current is None:
        return None
    return Change(person(pair.previous, update.wa_id), person(pair.current, update.wa_id))
