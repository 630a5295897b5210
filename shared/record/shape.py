"""Shapes of the record's items: what each attribute holds, and the sort keys beside a message.

Items are plain dicts in the store; these TypedDicts are their documentation and mypy's check. Clear
attributes hold ids and facts; whatever a person wrote, is called or looks like lies in `sealed`.
"""

from typing import Literal, NotRequired, TypedDict

CURSOR_SK = "~cursor"  # sorts after every order_key: how far a conversation is routed

State = Literal[
    "held",
    "queued",
    "sending",
    "handed_over",
    "sent",
    "delivered",
    "read",
    "played",
    "failed",
    "refused",
    "cancelled",
    "unsettled",
]


class MediaItem(TypedDict):
    """One medium of a message. `state` pending until services/media (or a mirror of its verdict) settles it.

    Of a file of ours `upload_id` says whence it comes (shared/media/uploads.py), and `sends` which rendition of it
    goes to WhatsApp where that is not the original.
    """

    n: int
    mime: str
    state: Literal["pending", "ready", "failed", "quarantined"]
    sha256: NotRequired[str]
    size: NotRequired[int]
    reason: NotRequired[str]  # shared/media/outcomes.py says it in words
    renditions: NotRequired[list[str]]  # names of CONTRACTS s.7; absent until they are made
    upload_id: NotRequired[str]
    sends: NotRequired[str]
    transcript: NotRequired[Literal["waiting", "ready", "failed"]]  # shared/media/transcripts.py


class MessageItem(TypedDict):
    """`messages`: pk = conversation_id, sk = order_key.

    `sealed` (AES-GCM under `key_id`'s data key, AAD "messages|<pk>|<sk>") holds the JSON object
    {"value": <the change's value as Meta shapes it, with this one message in it>, "field": "messages"|
    "smb_message_echoes"|..., "waba_id": ..., "wamid": ..., "media_ids": [{n, id}], "preview": str} for
    received messages and {"message": <outgoing message, see shared/whatsapp/outgoing.py>, "preview": str}
    for ours; record/content.py names the parts. Above 64 KiB `sealed_ref` names an object of the raw bucket
    instead. `author` is an agent id on ours; flag `echo` marks what the newsroom's own phone sent; `opened`
    marks the message that began its conversation; `target` is the message_id a reaction, edit or revoke
    speaks about; `delivered_twice` says that two attempts reached the customer. `withdrawn`: its content was
    taken out because its author took it back, and `files_go`: its files go too (record/changes.py, also of `take_back`). `erased`: nothing is left of
    what was said but these facts, its files `failed` with reason `erased`. `expires_at` (ms) is when it
    may go by the retention of the day it was kept; the keeper goes by today's, see record/retention.py.
    """

    pk: str
    sk: str
    message_id: str
    pnid: str
    contact_id: str
    key_id: str
    direction: Literal["in", "out"]
    type: str
    source: Literal["live", "import", "replay"]
    flags: list[str]
    reply_to: NotRequired[str]
    target: NotRequired[str]
    ts: int
    arrival_ms: int
    kept_at: int
    expires_at: int
    rev: int
    raw_id: NotRequired[str]
    content_sha: str
    sealed: NotRequired[bytes]
    sealed_ref: NotRequired[str]
    media: list[MediaItem]
    state: NotRequired[State]
    author: NotRequired[str]
    opens_window: NotRequired[bool]
    opened: NotRequired[bool]
    delivered_twice: NotRequired[bool]
    withdrawn: NotRequired[bool]
    files_go: NotRequired[bool]
    take_back: NotRequired[Literal["edit", "revoke"]]
    erased: NotRequired[bool]


class IdItem(TypedDict):
    """`ids`: pk = message_id (or `i_` of one of our wamids), sk = "-"; `wait#` items see record/waits.py.

    `ttl` (s) is set once the message has reached its end: the id outlives it, so that nothing brings it back.

    Of an account event (pk `a_<raw_id>.<position>`): `at_pk` and `at_sk` in `policy`.
    """

    pk: str
    sk: str
    conversation_id: NotRequired[str]
    order_key: NotRequired[str]
    content_sha: NotRequired[str]
    raw_id: NotRequired[str]
    attempt: NotRequired[str]
    ttl: NotRequired[int]


class ConversationItem(TypedDict):
    """`conversations`: pk = conversation_id, sk = "-".

    `preview` is {text, type, direction} of the newest news, sealed under `preview_key_id` (AAD of this item).
    `inbox` is conversation.inbox_shard(): number and day; a merged conversation has none. A group's
    `contact_id` is "".
    """

    pk: str
    sk: str
    pnid: str
    contact_id: str
    group_id: NotRequired[str]
    window_ends_at: NotRequired[int]
    last_order_key: str
    last_message_id: str
    unread: int
    tags: NotRequired[list[str]]
    state: NotRequired[str]
    assignee: NotRequired[str]
    protected: NotRequired[bool]
    inbox: NotRequired[str]
    preview: NotRequired[bytes]
    preview_key_id: NotRequired[str]
    preview_order_key: NotRequired[str]
    free_entry_ends_at: NotRequired[int]
    merged_into: NotRequired[str]
    erased: NotRequired[bool]
    held: NotRequired[bool]
    rev: int


class ContactItem(TypedDict):
    """`contacts`: pk = contact_id, sk = "-"; beside it sk = conversation_id, {pnid}, one for each 1:1 thread.

    `sealed` (under its own key, AAD of this item) holds {name, saved_name, username, wa_id, user_id ...}, each as
    record/sightings.py says; missing until something is known. `alias` names the person outside. `apart`: marks of
    whom it must never be merged with again (record/merging.py).
    """

    pk: str
    sk: str
    alias: str
    sealed: NotRequired[bytes]
    merged_into: NotRequired[str]
    apart: NotRequired[list[str]]
    protected: NotRequired[bool]
    erased: NotRequired[bool]
    erased_at: NotRequired[int]
    held: NotRequired[bool]
    rev: int


_Tried = TypedDict("_Tried", {"try": int})  # a keyword of Python cannot be named in a class body


class DeliveryItem(_Tried):
    """`deliveries`: pk = "<destination>#<conversation_id>", sk = "<message_id>#<part>".

    `owed` (= owed_key) exists while the delivery is unfinished; it is the sort key of the local index
    `owed`. `at` (ms) = not before; `try` counts claims, `claimed_at` (ms) is the last one's time, `stalls`
    counts failures before a claim, `awaits` says what may end the wait before `at`. `repeat` marks a call that may have reached the receiver twice,
    `placeholder` a message that went without its file, which follows. For WhatsApp the destination is
    `whatsapp:<pnid>` and the part is the attempt number.
    """

    pk: str
    sk: str
    destination: str
    conversation_id: str
    message_id: str
    part: str
    contact_id: NotRequired[str]
    order_key: str
    state: str
    at: int
    owed: NotRequired[str]
    late: NotRequired[bool]
    claimed_at: NotRequired[int]
    stalls: NotRequired[int]
    awaits: NotRequired[str]
    repeat: NotRequired[bool]
    placeholder: NotRequired[bool]
    remote_id: NotRequired[str]
    aws_message_id: NotRequired[str]
    code: NotRequired[int]
    reason: NotRequired[str]
    released_at: NotRequired[int]
    settled_at: NotRequired[int]
    rev: int


def child_sk(order_key: str, kind: str, key: str) -> str:
    """Sort key of an item beside a message (status, reaction, edit, revoke, note, routed)."""
    return f"{order_key}#{kind}#{key}"


def routed_sk(order_key: str) -> str:
    """Sort key of the mark that a message has been routed."""
    return f"{order_key}#routed"


def is_message_sk(sk: str) -> bool:
    """Whether a sort key of `messages` is a message's own, and not a child's or the cursor's."""
    return "#" not in sk and not sk.startswith("~")


def lane_pk(destination: str, conversation_id: str) -> str:
    """Partition of the deliveries of one lane."""
    return f"{destination}#{conversation_id}"


def whatsapp_destination(pnid: str) -> str:
    """The gateway's own destination for one of our numbers."""
    return f"whatsapp:{pnid}"
