"""The things of the outside world: the business account, its customers, files, and a row of the history.

Instants are integers, nanoseconds since the epoch (EUM Social stamps its events in nanoseconds:
docs.aws.amazon.com/social-messaging/latest/userguide/managing-event-destination-dlrs.html).
"""

import base64
import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Literal

MS = 1_000_000
SECOND = 1_000_000_000

Phase = Literal["invoke", "ok", "fail", "info"]
Kind = Literal[
    "written",
    "published",
    "accepted",
    "handed_over",
    "shown",
    "status",
    "violation",
    "received",
    "chat_item",
    "injected",
]
Channel = Literal["entry", "witness", "phone"]


def seeded(*parts: object) -> Random:
    """A generator that depends on nothing but its parts."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - a simulated world, no secret comes from it


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class Account:
    """One WhatsApp business account with one number, as Meta and as EUM Social name it.

    Attributes:
        waba_id: Meta's account id. pnid: Meta's phone number id.
        eum_phone_id: EUM Social's `phone-number-id-<32 hex>`. display: the number, digits only.
    """

    waba_id: str = "102290129340398"
    pnid: str = "106540352242922"
    eum_phone_id: str = "phone-number-id-976c72a700aac43eaf573ae050000001"
    display: str = "525555010789"
    name: str = "Redacción"
    region: str = "us-east-1"
    aws_account: str = "000000000000"

    @property
    def eum_waba_id(self) -> str:
        """EUM Social's id of the account, derived so that it stays the same at each start."""
        return "waba-" + sha256_hex(self.waba_id.encode())[:32]

    @property
    def waba_arn(self) -> str:
        """ARN of the account (botocore model: `arn:.*:waba/[0-9a-zA-Z]+`)."""
        return f"{self._arn}:waba/{self.eum_waba_id.removeprefix('waba-')}"

    @property
    def phone_arn(self) -> str:
        """ARN of the number (botocore model: `arn:.*:phone-number-id/[0-9a-zA-Z]+`)."""
        return f"{self._arn}:phone-number-id/{self.eum_phone_id.removeprefix('phone-number-id-')}"

    @property
    def _arn(self) -> str:
        return f"arn:aws:social-messaging:{self.region}:{self.aws_account}"

    def is_phone(self, value: str) -> bool:
        """Whether an originationPhoneNumberId names this number."""
        return value in {self.eum_phone_id, self.phone_arn}

    def is_waba(self, value: str) -> bool:
        """Whether an `id` names this account."""
        return value in {self.eum_waba_id, self.waba_arn, f"waba-{self.waba_id}"}


@dataclass(frozen=True, slots=True)
class Customer:
    """A person with WhatsApp.

    Attributes:
        wa_id: number as WhatsApp knows it (an old Mexican account keeps the 1: `521...`).
        user_id: business-scoped user id. hidden: a username adopter, whose number Meta withholds.
        reads: whether they open what they get.
    """

    id: str
    wa_id: str
    user_id: str
    name: str
    username: str = ""
    hidden: bool = False
    reads: bool = True

    @property
    def party(self) -> str:
        """What names them in the history: the number, or the user id where the number is withheld."""
        return self.user_id if self.hidden else self.wa_id


@dataclass(frozen=True, slots=True)
class File:
    """Bytes of a type, before they get a media id."""

    data: bytes
    mime: str
    filename: str = ""

    @property
    def sha256(self) -> str:
        """Hex digest, as the history holds it."""
        return sha256_hex(self.data)

    @property
    def sha256_base64(self) -> str:
        """Base64 digest, as Meta's webhook shows it."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode()


@dataclass(frozen=True, slots=True)
class Media:
    """A file Meta keeps, under the id by which it can be fetched until `expires`."""

    id: str
    file: File
    expires: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the history, without `seq` and `mono`, which the store adds.

    `body` is the exact JSON the row is about; it is kept beside the row and streamed only on request.
    """

    at: int
    kind: Kind
    phase: Phase
    pnid: str
    direction: Literal["in", "out"]
    type: str
    wa_id: str = ""
    user_id: str = ""
    wamid: str = ""
    attempt: str = ""
    nonce: str = ""
    text_sha256: str = ""
    media_sha256: tuple[str, ...] = ()
    fault: str = ""
    destination: str = ""
    remote_id: str = ""
    code: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that will leave the world at `at`: a webhook value, an EventBridge body, or a message shown.

    Attributes:
        stamp: what EUM Social writes as message_timestamp; a delay on the way makes `at` later than it.
        value: JSON of the change's value (entry), of the EventBridge event (witness), else empty.
        row: what the history says when it leaves; rows: what else. envelope: its bytes, once they are fixed.
    """

    id: str
    at: int
    stamp: int
    channel: Channel
    row: Row
    value: str = ""
    field: str = "messages"
    envelope: str = ""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Firing:
    """What leaves now: its rows and `queued` are committed before, and `replaced` leaves the outbox with them.

    `done` is removed after. An envelope waits in the outbox with its bytes fixed until it is confirmed, so
    that a twin killed in between publishes the same bytes again.
    """

    channel: Channel
    body: str
    rows: tuple[Row, ...]
    done: tuple[str, ...]
    queued: tuple[Item, ...] = ()
    replaced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What EUM Social answers to a send.

    Attributes:
        message_id: AWS's id, empty where `error` names an exception of the service model.
        hold_ms: how long the answer is kept back. drop: the connection ends without one.
    """

    message_id: str = ""
    error: str = ""
    detail: str = ""
    hold_ms: int = 0
    drop: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What one act changed: rows and items to commit together, before anything else happens."""

    rows: tuple[Row, ...] = ()
    queued: tuple[Item, ...] = ()
    answer: Answer = field(default_factory=Answer)
    wamid: str = ""
    media: tuple[Media, ...] = ()
    customers: tuple[Customer, ...] = ()
