"""Whom an archived or parked envelope is about, by alias HMACs; for what cannot be read, by the keys it mentions."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any

from services.ingest import understand
from services.ingest.archive import Arrived
from services.ingest.archived import numbered
from services.ingest.redact import part
from shared.record.inbound import Alias, Origin, Person
from shared.record.ledger import Subject, older
from shared.whatsapp import identity
from shared.whatsapp.item import (
    AnyItem,
    CallItem,
    ConnectItem,
    MessageItem,
    MetaItem,
    RejectedItem,
    StatusItem,
    UnknownItem,
    WitnessItem,
)

# E.164: at most 15 digits; a Mexican national number has 10.
_NUMBER = re.compile(r"(?<!\d)\d{10,15}(?!\d)", re.ASCII)
_USER_ID = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)
_NATIONAL = 10
Keys = Callable[[Person], Collection[str]]


class Mentions:
    """Finds a person in envelopes.

    Args:
        keys: `People.alias_keys`.
        scope: our portfolio, in which BSUIDs are unique.
    """

    def __init__(self, keys: Keys, scope: str) -> None:
        self._keys = keys
        self._scope = scope

    def gone(self, found: Arrived, subject: Subject) -> frozenset[int] | None:
        """Positions of what a person is about in an envelope; None = it goes whole, for it cannot be taken apart."""
        text = found.body.decode("utf-8", "surrogatepass")
        if found.envelope is None:
            return None if self.mentioned(text, subject) else frozenset()
        return frozenset(item.position for item in numbered(found) if self._about(item, found, subject))

    def mentioned(self, text: str, subject: Subject) -> bool:
        """Whether a text holds a number or user id of the person, in any of the forms an alias has."""
        theirs = frozenset(subject.aliases)
        return any(key in theirs for person in self._named(text) for key in self._keys(person))

    def _about(self, item: AnyItem, found: Arrived, subject: Subject) -> bool:
        if isinstance(item, WitnessItem):
            return False  # it holds no person
        if isinstance(item, UnknownItem | ConnectItem | RejectedItem):
            held = part(found.envelope, item) if found.envelope else ""
            return self.mentioned(json.dumps(held, ensure_ascii=False), subject)
        return self._theirs(item, subject) and self._old(item, found, subject)

    def _theirs(self, item: MetaItem[Any], subject: Subject) -> bool:
        named = self._keys(understand.person(item, self._scope, fallback=_fallback(item)))
        return not frozenset(subject.aliases).isdisjoint(named)

    def _old(self, item: MetaItem[Any], found: Arrived, subject: Subject) -> bool:
        origin = Origin(found.raw_id, item.position, found.arrival_ns)
        return older(subject.erased_at, origin, understand.seconds(getattr(item.part, "timestamp", None)))

    def _named(self, text: str) -> Iterator[Person]:
        for user_id in dict.fromkeys(_USER_ID.findall(text)):
            yield _person(identity.Person(user_id, None), self._scope)
        for number in dict.fromkeys(_NUMBER.findall(text)):
            yield _person(identity.Person(None, number), self._scope)
            if len(number) == _NATIONAL:
                yield _person(identity.Person(None, f"52{number}"), self._scope)


def _person(named: identity.Person, scope: str) -> Person:
    return Person(tuple(Alias(each.kind, each.value) for each in identity.aliases([named], scope)))


def _fallback(item: MetaItem[Any]) -> str:
    """What ingest makes a key of where nobody is named."""
    if isinstance(item, MessageItem):
        return item.wamid
    if isinstance(item, StatusItem):
        return item.status.id or item.status.biz_opaque_callback_data or ""
    return (item.call.id or "") if isinstance(item, CallItem) else ""
