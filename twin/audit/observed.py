"""What was seen in the stores, by raw clients and through the public API, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Seen:
    """One message as an agent sees it through the public API.

    `content` is the message object as the API shows it; `state` is set on ours; `attempts` holds the state
    of each attempt by its id; `heard` what was transcribed, by the file's position; `erased`: only that it was is left.
    """

    message_id: str
    conversation_id: str
    order_key: str
    rev: int
    direction: str
    type: str
    wamid: str
    content: Mapping[str, Any]
    state: str = ""
    attempts: Mapping[str, str] = field(default_factory=dict)
    media: Sequence[Mapping[str, Any]] = ()
    source: str = "live"
    echo: bool = False
    heard: Mapping[int, str] = field(default_factory=dict)
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One search document: its index, id, version and source."""

    index: str
    id: str
    version: int
    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parked:
    """A message in a dead-letter queue."""

    queue: str
    reason: str
    body: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation as the table and the API show it.

    `contact_id` is the person it belongs to after all merges, empty for a group's; `alias` and `name` are how
    an agent sees them called.
    """

    id: str
    pnid: str
    contact_id: str
    last_order_key: str
    unread: int
    alias: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether sends of an account are stopped, and when they last were let go on (ms since the epoch)."""

    open: bool
    closed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """What a consumer did with a receipt of a queue's message.

    `what`: received | copied (received while the queue left it visible) | extended | ended | lost (the queue
    said that the receipt no longer holds).
    """

    queue: str
    message: str
    receipt: str
    what: Literal["received", "copied", "extended", "ended", "lost"]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write the desk's API answered with 2xx: its message and the text that was asked for.

    `file`: hash of what its customer must be shown of a file; "" = the file may go to nobody; None = it has none.
    """

    message_id: str
    text: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """Somebody who asked to be erased: how the outside knows them, when it was asked and since when it is said to hold."""

    wa_id: str
    user_id: str
    asked_ms: int
    erased_ms: int


@dataclass(frozen=True, slots=True)
class Elder:
    """A message that was there long before: whether it must still be, and its words and file.

    `withdrawn`: taken back under a policy that erases: it stays, and its words do not. `leaves`: nothing else is
    left of who wrote it, so that they are forgotten with it.
    """

    wamid: str
    message_id: str
    conversation_id: str
    stays: bool
    words: str = ""
    sha256: str = ""
    withdrawn: bool = False
    leaves: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """What the configuration says of one destination, written down again by whoever configured it.

    `types` empty = all types; `words` empty = all texts (else any of them, case-folded, as part of the text).
    """

    destination: str
    types: frozenset[str] = frozenset()
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything the audit compares with the history. None = nobody looked.

    Attributes:
        raw: object key -> bytes of the raw archive. files: sha256 hex -> bytes' own sha256 of served media.
        ticks: message_id -> states in the order in which a live client saw them.
        unreadable: ids of messages that the table lists and the API cannot show.
        threads: conversation_id -> message ids on the pages of its thread.
        beside: (conversation_id, order_key) of a message -> `kind#child` of what stands beside it.
        strays: contacts that are merged into nobody and that no alias names.
        conversations: every conversation. cards: conversation_id -> its search document.
        poison: object key -> bytes of what was put aside. breakers: one an account.
        reopened: when a person let sends go on, ms. holds: what consumers did, in order.
        undisturbed: nothing was killed, slowed, delayed or lost while it ran.
        spoken: hash of a sound -> what is said in it. long: hashes of those that must be transcribed unasked.
        wanted: messages whose sounds somebody asked to read. infected: hashes that may be served to nobody.
        spent: bytes taken from all senders' budgets.
        erased: who was erased. everything: place -> what lies there, as text. sealed: threads that hold sealed words.
        elder: messages that were there long before.
        intruders: (process, holder) of each write that only the holder of a lease may make.
        silent: messages came by EventBridge alone. alerts: names of those that people were told.
        writes_known: `acknowledged` is complete, so that a message of ours outside of it is a phantom.
    """

    raw: Mapping[str, bytes]
    messages: Sequence[Seen]
    documents: Sequence[Document]
    parked: Sequence[Parked] = ()
    acknowledged: Sequence[Acknowledged] = ()
    routes: Sequence[Route] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    ticks: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unreadable: Sequence[str] = ()
    threads: Mapping[str, frozenset[str]] | None = None
    beside: Mapping[tuple[str, str], frozenset[str]] | None = None
    conversations: Sequence[Thread] | None = None
    cards: Mapping[str, Mapping[str, Any]] | None = None
    strays: Sequence[str] = ()
    poison: Mapping[str, bytes] | None = None
    breakers: Sequence[Breaker] | None = None
    reopened: Sequence[int] = ()
    holds: Sequence[Hold] = ()
    undisturbed: bool = False
    spoken: Mapping[str, str] = field(default_factory=dict)
    long: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()
    infected: frozenset[str] = frozenset()
    spent: int | None = None
    erased: Sequence[Erased] = ()
    everything: Mapping[str, str] = field(default_factory=dict)
    sealed: Sequence[str] = ()
    silent: bool = False
    alerts: Sequence[str] = ()
    intruders: Sequence[tuple[str, str]] = ()
    elder: Sequence[Elder] = ()
    check_search: bool = True
    writes_known: bool = True
