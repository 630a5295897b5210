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
        kept: message_id -> when the destination kept it first, ms.
        doubled: how often it kept a delivery again; a file that follows its message is a delivery of its own.
        delivered: attempts whose customer has them.
    """

    destination: str
    seq: int = 0
    published: dict[str, float] = field(default_factory=dict)
    kept: dict[str, float] = field(default_factory=dict)
    doubled: int = 0
    delivered: set[str] = field(default_factory=set)
    _deliveries: set[str] = field(default_factory=set)

    def take(self, row: Mapping[str, Any]) -> None:
        """One more row."""
        self.seq = row["seq"]
        if row["kind"] == "received" and row["phase"] == "ok" and row["destination"] == self.destination:
            self._kept(row)
        elif row["kind"] == "published" and not row["destination"]:
            self._published(row)

    def _published(self, row: Mapping[str, Any]) -> None:
        if row["direction"] == "in" and row["wamid"]:
            self.published.setdefault(received_id(PHONE_NUMBER, row["wamid"]), row["at"])
        # Meta sends no `delivered` where `read` comes first (webhooks reference, statuses).
        elif row["type"] in {"delivered", "read"}:
            self.delivered.add(row["attempt"])

    def _kept(self, row: Mapping[str, Any]) -> None:
        """`remote_id` is the webhook's id: destination, message, part."""
        self.kept.setdefault(row["remote_id"].split(":")[1], row["at"])
        self.doubled += row["remote_id"] in self._deliveries
        self._deliveries.add(row["remote_id"])
