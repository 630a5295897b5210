"""The people of an import in the record: by number, by the address book's names, or under their printed name.

Whoever is not matched gets a contact of that printed name. A later import that knows the number names both, and
the record merges the two; nothing is written again.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ops.imports.names import Names
from ops.imports.plain import name as tidy
from shared.record.inbound import Alias, Origin, Person
from shared.record.people import People
from shared.store.port import Store
from shared.vault.port import KeyDestroyedError
from shared.whatsapp import identity

_NAMES = ("saved_name", "name", "profile_name")
EARLIEST_NS = 0  # what an export says of a person loses against anything that is known


@dataclass(frozen=True, slots=True)
class Known:
    """A person of the address book."""

    contact_id: str
    wa_id: str | None
    user_id: str | None


class Book:
    """The record's contacts by name. A name that two people have matches nobody."""

    def __init__(self, known: Mapping[str, list[Known]]) -> None:
        self._known = known

    @classmethod
    async def read(cls, store: Store, people: People) -> "Book":
        """All contacts; each is opened once."""
        found: dict[str, list[Known]] = defaultdict(list)
        async for contact in store.scan("contacts"):
            if contact["sk"] != "-" or "merged_into" in contact or contact.get("erased"):
                continue
            try:
                details = await people.details(contact)
            except KeyDestroyedError:
                continue
            known = Known(contact["pk"], _text(details, "wa_id"), _text(details, "user_id"))
            for each in dict.fromkeys(_names(details)):
                found[each].append(known)
        return cls(found)

    def find(self, name: str) -> Known | None:
        """The one reachable person of this name."""
        found = [each for each in self._known.get(name.casefold(), ()) if each.wa_id or each.user_id]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Match:
    """A printed name and the person it stands for; `by` is number, book or name (nobody known)."""

    person: Person
    by: str


class Persons:
    """Makes persons of printed names.

    Args:
        scope: our portfolio, in which BSUIDs are unique.
    """

    def __init__(self, pnid: str, names: Names, book: Book, scope: str) -> None:
        self._pnid = pnid
        self._names = names
        self._book = book
        self._scope = scope

    def of(self, printed: str, phone: str | None = None) -> Match:
        """A person by printed name, and by number where the source knows it."""
        name = self._names.known_as(printed)
        number = phone or self._names.phone(printed)
        known = None if number else self._book.find(name)
        aliases = self._number(number, exact=phone is not None) if number else self._aliases(known)
        own = () if self._names.phone(printed) == printed else (Alias("printed", f"{self._pnid}:{name}"),)
        by = "number" if number else ("book" if known else "name")
        named = {} if number and _same_number(name, number) else {"saved_name": name}
        return Match(Person((*aliases, *own) or own, named), by)

    def ours(self) -> Person:
        """The newsroom itself, where a group has no other party."""
        return Person((Alias("printed", f"{self._pnid}"),))

    def _number(self, digits: str, *, exact: bool) -> tuple[Alias, ...]:
        canonical = identity.canonical_phone(digits) or digits
        raw = (Alias("waid", digits),) if exact else ()
        return (*raw, Alias("phone", canonical))

    def _aliases(self, known: Known | None) -> tuple[Alias, ...]:
        if known is None:
            return ()
        one = identity.Person(known.user_id, known.wa_id)
        return tuple(Alias(each.kind, each.value) for each in identity.aliases([one], self._scope))


def meet_origin(run: str) -> Origin:
    """The origin under which a person's name is learnt."""
    return Origin(run, 0, EARLIEST_NS, "import")


def _same_number(name: str, number: str) -> bool:
    return "".join(char for char in name if char.isdigit()) == number


def _names(details: Mapping[str, Any]) -> list[str]:
    listed = details.get("names")
    values = [*(details.get(each) for each in _NAMES), *(listed if isinstance(listed, list) else [])]
    return [tidy(each).casefold() for each in values if isinstance(each, str) and each.strip()]


def _text(details: Mapping[str, Any], name: str) -> str | None:
    value = details.get(name)
    return value if isinstance(value, str) and value else None
