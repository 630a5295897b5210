"""Every queue, topic, filter, table, index and bucket, declared once.

`make up`, the test fixtures, the deployment and the docs read this; nothing else spells a resource's name.
Names are without the environment's prefix (`<env>-`), which `Naming` adds.
"""

from dataclasses import dataclass
from typing import Literal

RETENTION_S = 14 * 24 * 3600  # SQS's maximum
MAX_RECEIVES = 8  # at receive 7 the worker parks with a reason; the redrive policy is the net below
PARK_AT_RECEIVE = 7


@dataclass(frozen=True, slots=True)
class Subscription:
    """Raw delivery from a topic; `filter` is an SNS policy on message attributes."""

    topic: str
    filter: dict[str, list[str]] | None = None


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A standard queue with its `<name>-dlq`."""

    name: str
    visibility_s: int
    subscriptions: tuple[Subscription, ...] = ()

    @property
    def dlq(self) -> str:
        """Name of the dead-letter queue."""
        return f"{self.name}-dlq"


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """A secondary index; a local one shares the table's partition key and is read consistently."""

    name: str
    kind: Literal["local", "global"]
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A DynamoDB table with string keys `pk` and `sk`, on demand; `ttl` names the TTL attribute."""

    name: str
    ttl: str | None = None
    indexes: tuple[IndexSpec, ...] = ()


WHATSAPP_EVENTS = "whatsapp-events"
CONNECT_CHAT = "connect-chat"
DESK_EVENTS = "desk-events"
TOPICS = (WHATSAPP_EVENTS, CONNECT_CHAT, DESK_EVENTS)

_MESSAGE_TYPES = ["desk.message.recorded.v1", "desk.message.changed.v1"]
QUEUES = (
    QueueSpec("ingest", 60, (Subscription(WHATSAPP_EVENTS),)),
    QueueSpec("connect", 60, (Subscription(CONNECT_CHAT),)),
    QueueSpec(
        "media",
        300,
        (
            Subscription(
                DESK_EVENTS,
                {"type": ["desk.message.recorded.v1", "desk.upload.completed.v1"], "has_media": ["true"]},
            ),
        ),
    ),
    QueueSpec(
        "forwarder",
        60,
        (Subscription(DESK_EVENTS, {"type": [*_MESSAGE_TYPES, "desk.media.settled.v1"]}),),
    ),
    QueueSpec(
        "send",
        30,
        (
            Subscription(
                DESK_EVENTS,
                {
                    "type": ["desk.message.recorded.v1", "desk.delivery.changed.v1", "desk.media.settled.v1"],
                    "direction": ["out"],
                },
            ),
        ),
    ),
    QueueSpec(
        "search",
        60,
        (
            Subscription(
                DESK_EVENTS,
                {
                    "type": [
                        *_MESSAGE_TYPES,
                        "desk.media.settled.v1",
                        "desk.conversation.changed.v1",
                        "desk.contact.changed.v1",
                        "desk.contact.merged.v1",
                        "desk.contact.unmerged.v1",
                        "desk.contact.erased.v1",
                    ]
                },
            ),
        ),
    ),
    QueueSpec("desk", 60, (Subscription(DESK_EVENTS),)),
)

TABLES = (
    TableSpec("ids", ttl="ttl"),
    TableSpec("messages"),
    TableSpec("contacts"),
    TableSpec("aliases"),
    TableSpec("contact_keys"),
    TableSpec("conversations", indexes=(IndexSpec("inbox", "global", "inbox", "last_order_key"),)),
    TableSpec("media"),
    TableSpec("deliveries", indexes=(IndexSpec("owed", "local", "pk", "owed"),)),
    TableSpec("chats", indexes=(IndexSpec("contact", "global", "connect_contact_id", "pk"),)),
    TableSpec("policy"),
    TableSpec("config"),
    TableSpec("agents"),
    TableSpec("audit_log"),
    TableSpec("leases"),
    TableSpec("desk_log", ttl="ttl"),
    TableSpec("due"),
)

RAW_BUCKET = "raw"  # raw/<source>/YYYY/MM/DD/HHMM/SS0/<raw_id>.json, poison/...
MEDIA_BUCKET = "media"  # incoming/, uploads/, quarantine/, served/
EXPORTS_BUCKET = "exports"
BUCKETS = (RAW_BUCKET, MEDIA_BUCKET, EXPORTS_BUCKET)

KMS_ALIAS = "record"
PEPPER_SECRET = "alias-pepper"  # noqa: S105 - the secret's name, not its value

SEARCH_ALIAS = "desk-msgs"
SEARCH_CONVERSATIONS = "desk-convs"


@dataclass(frozen=True, slots=True)
class Naming:
    """Adds the environment's prefix: `Naming("dev-").table("ids") == "dev-ids"`."""

    prefix: str

    def name(self, resource: str) -> str:
        """The deployed name of a topic, queue or table."""
        return f"{self.prefix}{resource}"

    def topic_arn(self, topic: str, region: str, account: str) -> str:
        """ARN of a topic of ours."""
        return f"arn:aws:sns:{region}:{account}:{self.name(topic)}"

    def bucket(self, bucket: str, account: str) -> str:
        """Bucket names are global, so the account number is part of them."""
        return f"{self.prefix}{bucket}-{account}"


def queue(name: str) -> QueueSpec:
    """The declaration of a queue. Raises KeyError where there is none."""
    return {spec.name: spec for spec in QUEUES}[name]


def table(name: str) -> TableSpec:
    """The declaration of a table. Raises KeyError where there is none."""
    return {spec.name: spec for spec in TABLES}[name]
