"""Takes an address book into the record: names people are called by here, sealed, above what they call themselves."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.contacts import google, vcard
from ops.contacts.book import Book, Named, Reject, book
from shared.clock import Clock
from shared.record.inbound import Alias, Origin, Person
from shared.record.people import People
from shared.store.port import Store
from shared.vault.port import KeyDestroyedError

AT_ONCE = 8
ERASED = "esta persona pidió que se borraran sus datos"
_ENCODINGS = ("utf-8-sig", "utf-16", "cp1252")


class UnknownFormatError(Exception):
    """The file is neither vCards nor a CSV of contacts; the message says what helps."""


@dataclass
class Tally:
    """What a file did: people new here, renamed, unchanged; what is left out."""

    counts: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    quiet: int = 0
    dry: bool = False

    def facts(self) -> dict[str, Any]:
        """Counts by name, and rejects line by line."""
        known = {name: self.counts[name] for name in ("new", "changed", "same")}
        rejects = [{"line": each.line, "reason": each.reason} for each in self.rejects]
        return {**known, "without_number": self.quiet, "rejected": rejects, "dry_run": self.dry}

    def line(self) -> str:
        """The last line of the command."""
        shown = ", ".join(f"{self.counts[name]} {name}" for name in ("new", "changed", "same"))
        dry = " (dry run: nothing written)" if self.dry else ""
        return f"contacts: {shown}, {self.quiet} without number, {len(self.rejects)} rejected{dry}"


def read(data: bytes, home: str) -> Book:
    """A file's entries. Raises UnknownFormatError."""
    text = _text(data)
    if vcard.is_vcard(text):
        return book(vcard.entries(text), home)
    if google.is_google(text):
        return book(google.entries(text), home)
    raise UnknownFormatError(
        "no es una libreta de direcciones: exporte los contactos como vCard (.vcf) o como CSV de Google"
    )


def _text(data: bytes) -> str:
    for encoding in _ENCODINGS:
        if encoding == "utf-16" and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
            continue
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


class Contacts:
    """Names people in the record."""

    def __init__(self, store: Store, people: People, clock: Clock) -> None:
        self._store = store
        self._people = people
        self._clock = clock

    async def take(self, files: Sequence[Path], home: str, *, dry: bool) -> Tally:
        """Every file in turn; with `dry` nothing is written. Raises UnknownFormatError and what the stores raise."""
        tally = Tally(dry=dry)
        for file in files:
            data = await asyncio.to_thread(file.read_bytes)
            found = read(data, home)
            tally.rejects += found.rejects
            tally.quiet += found.quiet
            await self._all(found.named, hashlib.sha256(data).hexdigest()[:32], tally)
        return tally

    async def _all(self, named: Sequence[Named], source: str, tally: Tally) -> None:
        permits = asyncio.Semaphore(AT_ONCE)

        async def one(n: int, each: Named) -> tuple[Named, str]:
            async with permits:
                return each, await self._one(
                    each, Origin(source, n, self._clock.now_ns(), "import"), dry=tally.dry
                )

        for each, outcome in await asyncio.gather(*(one(n, each) for n, each in enumerate(named))):
            if outcome == ERASED:
                tally.rejects.append(Reject(each.line, ERASED))
            else:
                tally.counts[outcome] += 1

    async def _one(self, named: Named, origin: Origin, *, dry: bool) -> str:
        """A number's name. A saved name is nobody's message: it brings no erased person back."""
        alias = Alias("phone", named.number)
        known = await self._known(Person((alias,)))
        if known is None:
            return ERASED
        if known.get("saved_name") == named.name:
            return "same"
        details = {"saved_name": named.name}
        if "wa_id" not in known:
            details["wa_id"] = named.number  # until they write and say it themselves
        if not dry:
            try:
                await self._people.resolve(Person((alias,), details), origin)
            except KeyDestroyedError:
                return ERASED
        return "changed" if known else "new"

    async def _known(self, person: Person) -> dict[str, Any] | None:
        """What is known of a person, empty where they are new here; None where they were erased."""
        contact_id = await self._people.find(person)
        if contact_id is None:
            (key,) = self._people.alias_keys(person)
            alias = await self._store.get("aliases", key) or {}
            return None if "erased_at" in alias or "contact_id" in alias else {}
        root = await self._people.root(contact_id)
        try:
            return {"alias": contact_id, **(await self._people.details(root) if root else {})}
        except KeyDestroyedError:
            return None
