"""What retention deletes, and in which order; pure.

Everything that hangs on a message goes before the message itself, which goes last: whoever is cut off at any
step and plans again over what is left finds the same steps that were missing. A file goes with its last
reference. What a hold covers stays, and what is still owed to somebody.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.record.holds import Held
from shared.record.retention import Retention

Fate = Literal["live", "held", "owed", "ended"]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as far as its end goes: its item, and the items that hang on it.

    Attributes:
        item: its own. children: beside it. deliveries: of it, attempts included.
        wamid_ids: keys of `ids` items that its attempts are found by.
        previewed: its conversation's preview shows it.
    """

    item: Mapping[str, Any]
    children: Sequence[Mapping[str, Any]] = ()
    deliveries: Sequence[Mapping[str, Any]] = ()
    wamid_ids: Sequence[str] = ()
    previewed: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """Take it out of the search index."""

    message_id: str
    kept_at: int
    rev: int


@dataclass(frozen=True, slots=True)
class Reference:
    """Drop a message's reference to a file; `last` = the file goes too."""

    sha256: str
    message_id: str
    n: int
    last: bool


@dataclass(frozen=True, slots=True)
class SealedObject:
    """Delete a large sealed content from the raw bucket."""

    key: str


@dataclass(frozen=True, slots=True)
class Preview:
    """Take the conversation's preview and its place in the inbox away."""

    conversation_id: str
    order_key: str


@dataclass(frozen=True, slots=True)
class Row:
    """Delete one item."""

    table: str
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Outlive:
    """Let an id run out: it outlives its message, so that nothing brings it back."""

    id: str


Step = Document | Reference | SealedObject | Preview | Row | Outlive


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order; and what stays, by why: message_id -> hold_id or "owed"."""

    steps: tuple[Step, ...] = ()
    ended: tuple[str, ...] = ()
    held: Mapping[str, str] = field(default_factory=dict)
    owed: tuple[str, ...] = ()


def fate(message: Message, rules: Retention, holds: Held, now_ms: int) -> Fate:
    """What becomes of a message now."""
    item = message.item
    if rules.message_ends_at(item) > now_ms:
        return "live"
    if holds.by(item["contact_id"], item["pk"]) is not None:
        return "held"
    return "owed" if any("owed" in each for each in message.deliveries) else "ended"


def plan(
    messages: Iterable[Message],
    references: Mapping[str, Iterable[tuple[str, int]]],
    rules: Retention,
    holds: Held,
    now_ms: int,
) -> Plan:
    """Plan the end of some messages.

    Args:
        messages: any, in any order; those that live on are left out.
        references: sha256 -> every (message_id, n) that refers to it now, of whatever message.
        rules: retention as set.
        holds: as resolved now.
        now_ms: wall clock.
    """
    left = {sha: set(each) for sha, each in references.items()}
    steps: list[Step] = []
    ended: list[str] = []
    held: dict[str, str] = {}
    owed: list[str] = []
    for message in messages:
        message_id = message.item["message_id"]
        match fate(message, rules, holds, now_ms):
            case "held":
                held[message_id] = holds.by(message.item["contact_id"], message.item["pk"]) or ""
            case "owed":
                owed.append(message_id)
            case "ended":
                ended.append(message_id)
                steps += _steps(message, left)
    return Plan(tuple(steps), tuple(ended), held, tuple(owed))


def _steps(message: Message, left: Mapping[str, set[tuple[str, int]]]) -> list[Step]:
    item = message.item
    rows = [*message.children, item]
    found: list[Step] = [Document(item["message_id"], item["kept_at"], item["rev"])]
    found += [_reference(item["message_id"], each, left) for each in item["media"] if "sha256" in each]
    found += [SealedObject(row["sealed_ref"]) for row in rows if "sealed_ref" in row]
    if message.previewed:
        found.append(Preview(item["pk"], item["sk"]))
    found += [Row("deliveries", each["pk"], each["sk"]) for each in message.deliveries]
    found += [Outlive(each) for each in (item["message_id"], *message.wamid_ids)]
    found += [Row("messages", row["pk"], row["sk"]) for row in rows]
    return found


def _reference(
    message_id: str, medium: Mapping[str, Any], left: Mapping[str, set[tuple[str, int]]]
) -> Reference:
    sha, n = medium["sha256"], medium["n"]
    others = left.get(sha, set())
    others.discard((message_id, n))
    return Reference(sha, message_id, n, last=not others)
