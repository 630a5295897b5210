"""What the desk's API answers: ids, facts and content, as the console reads them."""

from typing import Any, Literal

from pydantic import Field

from services.desk.file_models import Medium, MediumDetail, Model

Direction = Literal["in", "out"]


class Preview(Model):
    """The newest news of a conversation, one line."""

    text: str
    type: str
    direction: str


class Conversation(Model):
    """A thread; `window_ends_at` is when free-form replies end (RFC 3339), null where none is open.

    Of a protected person only the alias is shown to those who are not named.
    """

    conversation_id: str
    pnid: str
    contact_id: str | None
    group: bool
    alias: str | None
    name: str | None
    window_ends_at: str | None
    unread: int
    tags: list[str]
    state: str | None
    assignee: str | None
    protected: bool
    last_at: str
    last_message_id: str
    preview: Preview | None
    rev: int


class ConversationPage(Model):
    """Newest first; `cursor` is null at the end."""

    conversations: list[Conversation]
    cursor: str | None


class Reaction(Model):
    """The last reaction of one person; an empty emoji is one taken back and is not listed."""

    message_id: str
    direction: Direction
    author: str | None
    emoji: str
    at: str


class Edit(Model):
    """A later wording."""

    message_id: str
    at: str
    whatsapp: dict[str, Any]


class Reason(Model):
    """What one of Meta's error codes means, in plain Spanish, and what helps."""

    code: int
    reason: str
    remedy: str


class Pricing(Model):
    """What Meta charges for a message of ours; `model` is CBP or PMP."""

    category: str | None = None
    type: str | None = None
    model: str | None = None
    billable: bool | None = None


class Call(Model):
    """A call in the thread; `status` is Meta's word for how it ended."""

    missed: bool
    ended: bool
    status: str | None
    duration_s: int | None


class Status(Model):
    """One report about one of our messages, as Meta gave it."""

    status: str
    attempt: int | None
    code: int | None
    reason: Reason | None
    pricing: Pricing | None
    at: str
    whatsapp: dict[str, Any] | None = Field(
        None, description="Meta's status object; only in a message's detail"
    )
    contacts: list[dict[str, Any]] | None = Field(
        None,
        description="the recipient as the status names them (wa_id, user_id, profile); only in a message's detail",
    )


class Message(Model):
    """A message with what stands beside it.

    `whatsapp` is the message object exactly as sealed: Meta's of a received one, the outgoing one of ours;
    null where there is nothing to show (erased, protected from the caller, or taken back by its author where the
    desk's policy says so). `via` says of what road it came if not the usual one; `withheld` why WhatsApp did not
    hand it over whole.
    """

    message_id: str
    conversation_id: str
    order_key: str
    rev: int
    direction: Direction
    type: str
    source: Literal["live", "import", "replay"]
    at: str
    arrived_at: str
    flags: list[str]
    author: str | None
    via: str | None
    state: str | None
    late: bool
    reply_to: str | None
    target: str | None
    erased: bool
    protected: bool
    preview: str | None
    whatsapp: dict[str, Any] | None
    withheld: Reason | None
    call: Call | None
    media: list[Medium]
    reactions: list[Reaction]
    edits: list[Edit]
    revoked_at: str | None
    statuses: list[Status]


class MessagePage(Model):
    """In order of time; `older` and `newer` are cursors, null at that end."""

    messages: list[Message]
    older: str | None
    newer: str | None
    window_ends_at: str | None


class Attempt(Model):
    """One try to send a message of ours."""

    part: str
    state: str
    at: str | None
    claimed_at: str | None
    code: int | None
    reason: str | None = Field(description="a refusing rule's name, or an outcome's")
    explained: Reason | None


class MessageDetail(Message):
    """A message with everything that is known of it; `raw` only for those who support the system."""

    media: list[MediumDetail]  # type: ignore[assignment] # narrower than a message's, and both are only read

    value: dict[str, Any] | None = Field(description="the webhook change's value as received")
    attempts: list[Attempt]
    raw_id: str | None
    raw: str | None = Field(description="the archived envelope, byte for byte as UTF-8; roles admin and ops")


class Accepted(Model):
    """A message that is recorded and owed; the gateway sends it."""

    message_id: str
    conversation_id: str
    order_key: str
    state: str
    rev: int


class AcceptedReply(Model):
    """One entry a message; long text makes several."""

    messages: list[Accepted]


class UnplacedName(Model):
    """A printed name of an imported chat and how many messages stand under it; of the protected no name."""

    contact_id: str
    name: str | None
    messages: int


class UnplacedPage(Model):
    """Names with most messages first; `cursor` is null at the end."""

    names: list[UnplacedName]
    total: int
    cursor: str | None


class Placed(Model):
    """The contact that now stands for both."""

    contact_id: str


class LiveEvent(Model):
    """An event of the log; `message` is the message as it was when it was read, where the event is about one.

    Two tasks read at different moments, so an event may show an older state than one before it did: a client
    keeps the message of the highest `rev`.
    """

    seq: int
    type: str
    id: str
    time: str
    subject: str
    correlation: str | None
    data: dict[str, Any]
    message: Message | None


class EventPage(Model):
    """Events behind `after`; with `reset` the log no longer reaches back: load afresh and go on from `next`."""

    events: list[LiveEvent]
    next: int
    reset: bool


class Me(Model):
    """The caller."""

    agent_id: str
    roles: list[str]
    session_ends_at: str
