"""Compares what must become of a file with what the system holds of it."""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as File
from typing import Any

from tests.conformance import likeness, typed
from tests.conformance.expect import Change, Kind, Part, expected
from tests.conformance.leaves import Path, pattern, same, without
from tests.conformance.seen import Archive, Held, Seen
from tests.conformance.shapes import Sample, Sent

END = "#end"  # what the record puts behind a call's id for its end
_ITEM = re.compile(r"item\.\d+")
_SOURCES: dict[str, Kind] = {"connect": "connect", "witness": "witness"}
_SPARE = 8  # positions looked at beyond those the payload gives: what must not be there


@dataclass(slots=True)
class Row:
    """The verdict on a file: kinds found, leaves read back of those counted, and what is wrong.

    `members`: the documented members whose leaves came back through a field of the product's.
    """

    name: str
    shape: str
    kinds: Counter[str] = field(default_factory=Counter)
    read: int = 0
    leaves: int = 0
    untyped: int = 0
    wrong: list[str] = field(default_factory=list)
    members: set[str] = field(default_factory=set)

    @property
    def kept(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong


@dataclass(frozen=True, slots=True)
class Plant:
    """Faults put between the system and the check: the files whose leaf is dropped, or byte altered."""

    leaf: str = ""
    byte: str = ""

    def value(self, name: str, part: Part, value: Any) -> Any:
        """What is read back of a part, less its last counted leaf."""
        if name != self.leaf or not part.leaves:
            return value
        return without(value, likeness.in_item(list(part.leaves)[-1], part))

    def data(self, name: str, data: bytes) -> bytes:
        """Archived bytes, the last one altered."""
        return data[:-1] + bytes([data[-1] ^ 1]) if name == self.byte else data


def raw_id(body: str) -> str:
    """The id a body is archived under (CONTRACTS s.1)."""
    return hashlib.sha256(body.encode()).hexdigest()[:32]


def exceptions(file: File) -> Mapping[str, str]:
    """Patterns of leaves that need not come back, each with its reason."""
    listed = tomllib.loads(file.read_text("utf-8"))["leaf"]
    return {each["path"]: each["reason"] for each in listed}


@dataclass(slots=True)
class _Evidence:
    """All that one envelope left behind; what a part takes for itself is no longer there."""

    raw_id: str
    source: str
    accounts: list[Held]
    whole: list[Mapping[str, str]]
    items: list[Mapping[str, str]]

    def rejected(self, path: str) -> bool:
        """Whether a part was set aside, alone or with its whole envelope."""
        mine = [each for each in self.items if _under(each.get("error", ""), path)]
        self.items = [each for each in self.items if each not in mine]
        return bool(mine or self.whole)

    def account(self, part: Part) -> Held | None:
        """The account event that is most like a part."""
        fitting = [
            held
            for held in self.accounts
            if not part.path or held.webhook in {part.webhook, "no_field", "entry"}
        ]
        best = max(fitting, key=lambda held: likeness.likeness(part, held.value, held.webhook), default=None)
        if best is not None:
            self.accounts.remove(best)
        return best


class Judge:
    """Judges files against one system.

    Args:
        keys: raw_id -> key of everything archived.
        parked: attributes of everything in the dead-letter queues.
        number: our pnid.
        excepted: patterns of leaves that need not come back.
    """

    def __init__(
        self,
        seen: Seen,
        archive: Archive,
        keys: Mapping[str, str],
        parked: Sequence[Mapping[str, str]],
        number: str,
        excepted: Mapping[str, str],
        plant: Plant,
    ) -> None:
        self._seen = seen
        self._archive = archive
        self._keys = keys
        self._parked = parked
        self._number = number
        self._excepted = excepted
        self._plant = plant

    async def file(self, sample: Sample, bodies: Sequence[Sent]) -> Row:
        """The verdict on a file."""
        row = Row(sample.name, sample.shape)
        own = {raw_id(sent.body) for sent in bodies}
        for sent in bodies:
            if sent.can_travel:
                await self._body(row, sent, own)
            else:  # no road of AWS carries it, so that the system never meets it
                row.kinds["undeliverable"] += 1
        if not row.kinds and not row.wrong:
            row.wrong.append("nothing was found in it")
        return row

    async def _body(self, row: Row, sent: Sent, own: set[str]) -> None:
        key = self._keys.get(raw_id(sent.body))
        if key is None:
            row.wrong.append("not in the archive")
            return
        if self._plant.data(row.name, self._archive.read(key)) != sent.body.encode():
            row.wrong.append("archived with other bytes")
        changes = expected(sent)
        evidence = await self._evidence(raw_id(sent.body), key, changes)
        for change in changes:
            await self._change(row, change, evidence, own, sent)
        row.wrong += [f"recorded, but in no payload: {held.webhook}" for held in evidence.accounts]
        row.wrong += [f"rejected though well-formed: {each.get('error')}" for each in evidence.items]

    async def _evidence(self, raw: str, key: str, changes: Sequence[Change]) -> _Evidence:
        positions = sum(len(change.parts) + len(change.shared) for change in changes) + _SPARE
        mine = [each for each in self._parked if each.get("raw_id") == raw and each.get("reason")]
        alone = [each for each in mine if _ITEM.fullmatch(each.get("type", ""))]
        whole = [each for each in mine if each not in alone]
        accounts = await self._seen.accounts(raw, positions)
        return _Evidence(raw, key.split("/")[1], accounts, whole, alone)

    async def _change(self, row: Row, change: Change, evidence: _Evidence, own: set[str], sent: Sent) -> None:
        known: list[dict[Path, typed.Leaf]] = []
        for part in change.parts:
            found = await self._found(row, part, evidence, own, sent)
            for kind, _ in found:
                row.kinds[kind] += 1
            fault = _fault(part, found)
            if fault:
                row.wrong.append(f"{part.path or 'body'}: {fault}")
            elif found[0][0] == part.kinds[0] and part.kinds[0] != "unknown":
                known += self._leaves(row, part, found[0][1])
        for part in change.shared if known else ():
            if part.kinds[0] != part.kinds[-1] and evidence.rejected(part.path):
                row.kinds["rejected"] += 1
            else:
                self._count(row, part, likeness.best(part, known))

    async def _found(
        self, row: Row, part: Part, evidence: _Evidence, own: set[str], sent: Sent
    ) -> list[tuple[Kind, Held | None]]:
        """Everything the system made of a part."""
        found: list[tuple[Kind, Held | None]] = []
        if evidence.rejected(part.path):
            found.append(("rejected", None))
        if part.wamid and (part.message or (part.member == "calls" and part.kinds[0] == "message")):
            found += await self._messages(row, part, own, sent)
        elif part.kinds[0] == "status":
            found += await self._statuses(row, part, own)
        elif held := evidence.account(part):
            found.append((_account_kind(held), held))
        if not part.path and not found and evidence.source in _SOURCES:
            found += await self._other(row, part, evidence, own)
        return found

    async def _other(
        self, row: Row, part: Part, evidence: _Evidence, own: set[str]
    ) -> list[tuple[Kind, Held | None]]:
        """A witness is archived and no more; of Connect's there is a row with all it said."""
        if part.kinds[0] != "connect" or not isinstance(part.row, dict):
            return [(_SOURCES[evidence.source], None)]
        mine = [held for held in await self._seen.connect(part.row) if held.raw_id in own]
        if mine and part.row not in [held.value for held in mine]:
            row.wrong.append("the row of Connect says something else")
        return [("connect", None)] if mine else []

    async def _messages(
        self, row: Row, part: Part, own: set[str], sent: Sent
    ) -> list[tuple[Kind, Held | None]]:
        wamid = f"{part.wamid}{END}" if _ends_call(part) else part.wamid or ""
        shown = await self._seen.message(self._number, wamid)
        if shown is None or shown["raw_id"] not in own:
            return []
        if shown["raw_id"] == raw_id(sent.body) and shown["raw"] != sent.body:
            row.wrong.append(f"{part.path}: the API shows another envelope")
        one = Held(shown["raw_id"], shown["value"], part.webhook)
        held = likeness.likest(part, [one, *await self._seen.variants(self._number, wamid)])
        known = typed.is_known(typed.item_of(held.value, part.webhook))
        return [("message" if known else "unknown", held)]

    async def _statuses(self, row: Row, part: Part, own: set[str]) -> list[tuple[Kind, Held | None]]:
        callback = part.row.get("biz_opaque_callback_data")
        beside = await self._seen.statuses(self._number, part.wamid or "", callback)
        mine = [held for held in beside if held.raw_id in own]
        if not mine:
            return []
        held = likeness.likest(
            part, [each for each in mine if likeness.rows(each, part.member) == [part.row]] or mine
        )
        if held.hidden:
            row.wrong.append(f"{part.path}: the API does not show it")
        return [("status", held)]

    def _leaves(self, row: Row, part: Part, held: Held | None) -> list[dict[Path, typed.Leaf]]:
        """Count a part's own leaves; answers all that was read back of it."""
        if held is None:
            return []
        value = self._plant.value(row.name, part, held.value)
        found = typed.leaves_of(typed.item_of(value, part.webhook))
        self._count(row, part, {likeness.in_change(path, part): leaf for path, leaf in found.items()})
        return [found]

    def _count(self, row: Row, part: Part, found: Mapping[Path, typed.Leaf]) -> None:
        for path, (leaf, named) in part.leaves.items():
            if pattern(path) in self._excepted:
                continue
            row.leaves += 1
            back, has_field = found.get(path, (_MISSING, False))
            if not same(leaf, back):
                row.wrong.append(f"{pattern(path)}: {'lost' if back is _MISSING else 'altered'}")
            elif named and not has_field:
                row.wrong.append(f"{pattern(path)}: documented, but no field of the product's holds it")
            else:
                row.read += 1
                row.untyped += not has_field
                row.members |= {told} if (told := part.documented(path)) else set()


class _Missing:
    """A leaf that is not there; null is a leaf."""


_MISSING = _Missing()


def _ends_call(part: Part) -> bool:
    """The end of a call has no id of its own."""
    return part.member == "calls" and part.row.get("event") == "terminate"


def _fault(part: Part, found: Sequence[tuple[Kind, Held | None]]) -> str | None:
    """Why what was found of a part is wrong."""
    if not found:
        return f"lost, {part.kinds[0]} expected"
    if len(found) > 1:
        return f"recorded {len(found)} times: {', '.join(kind for kind, _ in found)}"
    kind, held = found[0]
    if kind not in part.kinds:
        return f"{kind} instead of {' or '.join(part.kinds)}"
    if kind == "unknown" and held and not part.member and part.row not in (None, held.value):
        return "unknown, but not kept whole"
    return None


def _account_kind(held: Held) -> Kind:
    return "unknown" if held.state == "unknown" else "account"


def _under(error: str, path: str) -> bool:
    """Whether a rejection names a part or something in it."""
    return bool(path) and (error == path or error.startswith((f"{path}.", f"{path}[")))
