"""Takes an envelope apart: one item for every entry x change x message x status x other thing.

A part that cannot be read becomes a `RejectedItem` beside its neighbours; a part nobody knows becomes an
`UnknownItem` with all it held. Positions count through the whole envelope and are the same whenever the
same envelope is read again.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from shared.errors import Poison
from shared.whatsapp import account, identity, listed
from shared.whatsapp.calls import Call
from shared.whatsapp.connect import ChatMessage, ContactEvent, camel_keys, instance_id
from shared.whatsapp.envelope import Envelope
from shared.whatsapp.item import (
    ECHOES,
    HISTORY,
    AccountItem,
    AnyItem,
    CallItem,
    ConnectItem,
    ErrorsItem,
    HistoryItem,
    MessageItem,
    RejectedItem,
    StatusItem,
    UnknownItem,
    WitnessItem,
)
from shared.whatsapp.messages import Message, model_for
from shared.whatsapp.parts import Contact, Head
from shared.whatsapp.statuses import Status
from shared.whatsapp.wire import ModelT, Wire, is_label, is_object, read, unsound
from shared.whatsapp.witness import Witness

__all__ = [
    "ECHOES",
    "HISTORY",
    "AccountItem",
    "AnyItem",
    "CallItem",
    "ConnectItem",
    "ErrorsItem",
    "HistoryItem",
    "MessageItem",
    "RejectedItem",
    "StatusItem",
    "UnknownItem",
    "WitnessItem",
    "items",
]

_MESSAGES = ("messages", ECHOES)
_MODELS: dict[str, type[Wire]] = {"statuses": Status, "calls": Call, **listed.LISTS}
_LISTS = (*_MESSAGES, *_MODELS)
_MAX_PATH = 200
_HEAD = ("messaging_product", "metadata", "errors")


def items(envelope: Envelope) -> list[AnyItem]:
    """Every part of an envelope, in its order. Raises nothing: what cannot be read is a RejectedItem."""
    return _Sorter(envelope).sort()


class _Place(NamedTuple):
    """Where a change stands."""

    path: str
    waba_id: str | None
    field: str
    time: int | str | None


class _Part(NamedTuple):
    """A part that could be read, and the list of the value it stood in ("" = it is the value itself).

    `around`: of a message in a synchronized history, the chunk and the thread it stood in.
    """

    member: str
    path: str
    part: Wire
    around: tuple[listed.HistoryChunk, listed.Thread] | None = None


class _Sorter:
    """The items found so far in one envelope."""

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self._found: list[AnyItem] = []

    def sort(self) -> list[AnyItem]:
        """Walk the whole envelope."""
        envelope = self._envelope
        for index, entry in enumerate(envelope.entries):
            self._entry(entry, f"entry[{index}]")
        if envelope.kind == "witness":
            self._witness(envelope.body)
        elif envelope.kind == "unknown":
            self._unknown(envelope.shape, envelope.body, "body")
        elif envelope.kind != "whatsapp":
            self._connect(envelope.body)
        return self._found

    def _sound(self, value: Any, path: str) -> bool:
        fault = None if self._envelope.checked else unsound(value)
        if fault:
            self._reject(fault[0], ".".join(filter(None, (path, fault[1]))))
        return fault is None

    def _reject(self, reason: str, path: str) -> None:
        self._found.append(RejectedItem(position=len(self._found), path=path[:_MAX_PATH], reason=reason))

    def _unknown(self, what: str, raw: Any, path: str, waba_id: str | None = None) -> None:
        if self._sound(raw, path):
            item = UnknownItem(position=len(self._found), path=path, what=what, raw=raw, waba_id=waba_id)
            self._found.append(item)

    def _read(self, model: type[ModelT], raw: Any, path: str) -> ModelT | None:
        """The typed part, or None with a RejectedItem in its place."""
        if not self._sound(raw, path):
            return None
        try:
            return read(model, raw, path)
        except Poison as fault:
            self._reject(fault.reason, fault.detail)
            return None

    def _witness(self, body: Any) -> None:
        event = self._read(Witness, body, "body")
        if event:
            self._found.append(WitnessItem(position=len(self._found), path="body", event=event))

    def _connect(self, body: dict[str, Any]) -> None:
        if not self._sound(body, "body"):
            return
        event: ChatMessage | ContactEvent | None
        if self._envelope.kind == "chat":
            event = self._read(ChatMessage, body, "body")
        else:
            event = self._read(ContactEvent, camel_keys(body), "body")
        if event:
            self._found.append(self._connect_item(event, body))

    def _connect_item(self, event: ChatMessage | ContactEvent, raw: dict[str, Any]) -> ConnectItem:
        attributes = self._envelope.attributes
        if isinstance(event, ChatMessage):
            contact, instance = event.contact_id, attributes.get("InstanceId")
        else:
            contact = event.detail.contact_id if event.detail else None
            instance = instance_id(event.detail)
        return ConnectItem(
            position=len(self._found),
            path="body",
            event=event,
            attributes=attributes,
            contact_id=contact,
            instance_id=instance,
            raw=raw,
        )

    def _entry(self, entry: Any, path: str) -> None:
        if not is_object(entry):
            self._reject("wrong_type", path)
            return
        changes = entry.get("changes")
        if not isinstance(changes, list) or not changes:
            self._unknown("entry", entry, path)
            return
        waba_id, time = entry.get("id"), entry.get("time")
        for index, change in enumerate(changes):
            where = f"{path}.changes[{index}]"
            field = change.get("field", "") if is_object(change) else None
            if not is_label(field):
                self._reject("wrong_type", f"{where}.field" if is_object(change) else where)
            elif not is_object(change.get("value")):
                self._reject("wrong_type", f"{where}.value")
            else:
                when = time if isinstance(time, int) or is_label(time) else None
                place = _Place(f"{where}.value", waba_id if is_label(waba_id) else None, field, when)
                self._value(change["value"], place)

    def _value(self, value: dict[str, Any], place: _Place) -> None:
        lists = [name for name in _LISTS if _filled(value, name)]
        model = None if lists else account.VALUES.get(place.field)
        if not (lists or model or _filled(value, "errors")):
            self._unknown(place.field or "no_field", value, place.path, place.waba_id)
            return
        people = _filled(value, "contacts")
        taken = {*lists, "contacts"} if people else {*lists}
        rest = {name: member for name, member in value.items() if name not in taken}
        contacts = self._contacts(people, place)
        parts = [part for name in lists for part in self._parts(name, value[name], place)]
        if model:
            parts = self._fact(model, rest, place)
        head = self._head({name: rest[name] for name in _HEAD if name in rest} if model else rest, place)
        if not (lists or model) and head.errors:
            parts = [_Part("", place.path, Head())]
        self._place(parts, contacts, head, place)

    def _fact(self, model: type[Wire], rest: dict[str, Any], place: _Place) -> list[_Part]:
        fact = self._read(model, {name: rest[name] for name in rest if name not in _HEAD}, place.path)
        return [_Part("", place.path, fact)] if fact else []

    def _contacts(self, rows: list[Any], place: _Place) -> list[Contact]:
        path = f"{place.path}.contacts"
        typed = (self._read(Contact, raw, f"{path}[{index}]") for index, raw in enumerate(rows))
        return [contact for contact in typed if contact]

    def _parts(self, member: str, rows: list[Any], place: _Place) -> list[_Part]:
        found = []
        for index, raw in enumerate(rows):
            path = f"{place.path}.{member}[{index}]"
            if member == HISTORY and (threads := _threads(raw)):
                found += self._chunk(raw, threads, path)
                continue
            model = model_for(raw) if member in _MESSAGES else _MODELS[member]
            found += self._part(member, model, raw, path)
        return found

    def _part(self, member: str, model: type[Wire], raw: Any, path: str) -> list[_Part]:
        """The one part, or none with its rejection."""
        part = self._read(model, raw, path)
        if part and _anonymous(part):
            self._reject("missing_field", f"{path}.id")
            return []
        return [_Part(member, path, part)] if part else []

    def _chunk(self, raw: dict[str, Any], threads: list[Any], path: str) -> list[_Part]:
        """Every message of a synchronized history by itself: a thousand of them may come in one chunk."""
        chunk = self._read(listed.HistoryChunk, _less(raw, "threads"), path)
        found: list[_Part] = []
        for index, each in enumerate(threads):
            where = f"{path}.threads[{index}]"
            said = _filled(each, "messages") if is_object(each) else []
            thread = self._read(listed.Thread, _less(each, "messages") if said else each, where)
            if chunk is None or thread is None:
                continue
            if not said:  # a thread of nothing: still somebody's name
                found.append(_Part(HISTORY, where, _with_thread(chunk, thread)))
            for n, message in enumerate(said):
                parts = self._part(HISTORY, model_for(message), message, f"{where}.messages[{n}]")
                found += [part._replace(around=(chunk, thread)) for part in parts]
        return found

    def _head(self, raw: dict[str, Any], place: _Place) -> Head:
        """The shared members; a bad one is rejected by itself, for the messages beside it are good."""
        good = dict(raw)
        for name, member in raw.items():
            if not self._sound({name: member}, place.path):
                del good[name]
        while True:
            try:
                return read(Head, good)
            except Poison as fault:
                self._reject(fault.reason, f"{place.path}.{fault.detail}")
                del good[fault.detail.partition(".")[0].partition("[")[0]]

    def _place(self, parts: list[_Part], contacts: list[Contact], head: Head, place: _Place) -> None:
        """Append the parts, each with its contact; contacts of nobody ride on the first."""
        owners = [
            identity.matching(contacts, identity.of_part(part.part, echo=part.member == ECHOES))
            if contacts
            else None
            for part in parts
        ]
        others = tuple(contact for index, contact in enumerate(contacts) if index not in owners)
        pnid = self._number(head)
        for part, owner in zip(parts, owners, strict=True):
            inside = {"chunk": part.around[0], "thread": part.around[1]} if part.around else {}
            item = _item_type(part)(
                **inside,
                position=len(self._found),
                path=part.path,
                waba_id=place.waba_id,
                pnid=pnid,
                field=place.field,
                time=place.time,
                head=head,
                member=part.member,
                part=part.part,
                contact=None if owner is None else contacts[owner],
                others=others,
            )
            self._found.append(item)
            others = ()

    def _number(self, head: Head) -> str | None:
        """The pnid of the change, or the only one the envelope names."""
        if head.metadata and head.metadata.phone_number_id:
            return head.metadata.phone_number_id
        numbers = self._envelope.numbers
        return numbers[0] if len(numbers) == 1 else None


def _filled(value: dict[str, Any], name: str) -> list[Any]:
    """A member that is a list with something in it; anything else under that name is left to the head."""
    rows = value.get(name)
    return rows if isinstance(rows, list) else []


def _threads(raw: Any) -> list[Any]:
    """Threads of a chunk of history; none where it only says how far it is, or that it was refused."""
    return _filled(raw, "threads") if is_object(raw) else []


def _less(raw: dict[str, Any], name: str) -> dict[str, Any]:
    return {each: member for each, member in raw.items() if each != name}


def _with_thread(chunk: listed.HistoryChunk, thread: listed.Thread) -> listed.HistoryChunk:
    return chunk.model_copy(update={"threads": [thread]})


def _anonymous(part: Wire) -> bool:
    """A message without its wamid, or a status that names neither wamid nor attempt, cannot be kept once."""
    if isinstance(part, Message):
        return part.id is None
    return isinstance(part, Status) and part.id is None and part.biz_opaque_callback_data is None


_TYPES: dict[str, Callable[..., AnyItem]] = {
    "messages": MessageItem,
    ECHOES: MessageItem,
    "statuses": StatusItem,
    "calls": CallItem,
}


def _item_type(part: _Part) -> Callable[..., AnyItem]:
    if part.around:
        return HistoryItem
    nameless = isinstance(part.part, Call) and part.part.id is None
    if isinstance(part.part, Head):
        return ErrorsItem
    return AccountItem if nameless else _TYPES.get(part.member, AccountItem)
