"""How long what is kept; R3 asks for 90 days at least, an editor may set more by class (config `retention`).

pk "retention", sk <class>: days, version
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.store.port import Attr, ConditionFailedError, Item, Store, Update

KIND = "retention"
MIN_DAYS = 90  # R3
DEFAULT_DAYS = 400
DAY_MS = 24 * 3600 * 1000
AFTERLIFE_DAYS = 28  # CONTRACTS s.2: ids and deliveries outlive queue and DLQ, 14 d each
# What may be set by itself: messages with their files and deliveries; chats imported from phones; the raw
# archive with what was parked; the history of our account; people of whom nothing else is left.
CLASSES = ("messages", "imports", "raw", "account", "contacts")


class BadRetentionError(ValueError):
    """The class or the number of days will not do; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Days by class, as set."""

    days: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> int:
        """Days of a class; never below 90."""
        return max(MIN_DAYS, self.days.get(kind, DEFAULT_DAYS))

    def message_ends_at(self, item: Mapping[str, Any]) -> int:
        """When (ms) a message may go: by what is set today, else by what it was kept under; 90 days at least."""
        kept_at: int = item["kept_at"]
        if (days := self.days.get(class_of(item))) is not None:
            return kept_at + max(MIN_DAYS, days) * DAY_MS
        expires_at: int = item.get("expires_at", kept_at + DEFAULT_DAYS * DAY_MS)
        return max(kept_at + MIN_DAYS * DAY_MS, expires_at)

    def ended(self, kind: str, since_ms: int, now_ms: int) -> bool:
        """Whether something of a class, kept since then, may go."""
        return since_ms + self.of(kind) * DAY_MS <= now_ms


def class_of(item: Mapping[str, Any]) -> str:
    """The class of a message."""
    return "imports" if item.get("source") == "import" else "messages"


def of(items: Iterable[Item]) -> Retention:
    """What config says; an entry that is no number of days counts as not set, which keeps longer."""
    found = {item["sk"]: item.get("days") for item in items}
    days = {kind: value for kind, value in found.items() if kind in CLASSES and isinstance(value, int)}
    return Retention(days)


async def read(store: Store) -> Retention:
    """What is set now."""
    return of((await store.query("config", KIND)).items)


async def put(store: Store, kind: str, days: int, by: str, now_ms: int) -> int:
    """Set the days of a class; answers the version. Raises BadRetentionError."""
    if kind not in CLASSES:
        raise BadRetentionError(f"clase: «{kind}» no existe; use una de {', '.join(CLASSES)}")
    if days < MIN_DAYS:
        raise BadRetentionError(f"días: {days} es menos de {MIN_DAYS}, lo mínimo que se conserva")
    while True:
        known = await store.get("config", KIND, kind)
        version = known["version"] if known else 0
        same = Attr("version").eq(version) if known else Attr("pk").not_exists()
        said = {"days": days, "version": version + 1, "by": by, "at": now_ms}
        try:
            await store.write(Update("config", KIND, kind, set=said, condition=same))
        except ConditionFailedError:
            continue
        await store.write(Update("config", f"{KIND}-history#{kind}", f"{version + 1:010d}", set=said))
        return version + 1
