"""What the twin's history tells of our messages, row by row: published, kept by the destination, delivered. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.plan import PHONE_NUMBER
from shared.ids import received_id


@dataclass(slots=True)
class Outside:
    """Sums up rows in order.

    Attributes:
        destination: the receiver that counts.
        seq: number of the last row taken.
        published: message_id -> when EUM Social published it first, ms.
        kept: message_id -> each time the destination kept it, ms; more than one = it was kept twice.
        delivered: attempts whose customer has them.
    """

    destination: str
    seq: int = 0
    published: dict[str, float] = field(default_factory=dict)
    kept: dict[str, list[float]] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)

    def take(self, row: Mapping[str, Any]) -> None:
        """One more row."""
        self.seq = row["seq"]
        if row["kind"] == "received" and row["phase"] == "ok" and row["destination"] == self.destination:
            self.kept.setdefault(row["remote_id"].split(":")[1], []).append(row["at"])
        elif row["kind"] == "published" and not row["destination"]:
            self._published(row)

    def _published(self, row: Mapping[str, Any]) -> None:
        if row["direction"] == "in" and row["wamid"]:
            self.published.setdefault(received_id(PHONE_NUMBER, row["wamid"]), row["at"])
        # Meta sends no `delivered` where `read` comes first (webhooks reference, statuses).
        elif row["type"] in {"delivered", "read"}:
            self.delivered.add(row["attempt"])

    @property
    def doubled(self) -> int:
        """Messages that the destination kept more than once."""
        return sum(len(times) > 1 for times in self.kept.values())
