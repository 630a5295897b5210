"""The twin's history, read back: what the outside world wrote, published, was sent and received.

Rows are the NDJSON objects of `GET /_twin/history` with `body` (the exact JSON a row is about).
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
WITNESS = "witness"
LOCKS = frozenset({"368", "131031", "130497"})  # Meta, "Error codes": the account may send nothing more


@dataclass(slots=True)
class History:
    """Rows by what they tell.

    Attributes:
        written: wamid -> what a customer wrote (kind `written`, with a wamid).
        envelopes: the distinct bodies that were published to the business's topic.
        published: wamids that left at least once. statuses: wamid of ours -> status names that left.
        calls: accepted rows (invoke, ok, fail) in order. shown: attempt -> rows shown to a customer.
        told: attempt -> `mono` of the first status that left about it.
        received: rows of the destinations in order. violations: rows of broken rules.
        attempts: wamid of ours -> attempt id. named: wamids of ours of which a status that left named the attempt.
        handed: what Meta took or refused, in order. locks: ms at which Meta said that an account is locked.
        spoilt: envelopes in which something unreadable stands beside what is well-formed.
        until_ms: when the last row was written, ms since the epoch.
        injected: what somebody else published to the business's topic.
    """

    written: dict[str, Row] = field(default_factory=dict)
    envelopes: dict[str, int] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)
    statuses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    calls: list[Row] = field(default_factory=list)
    shown: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    received: list[Row] = field(default_factory=list)
    violations: list[Row] = field(default_factory=list)
    attempts: dict[str, str] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    handed: list[Row] = field(default_factory=list)
    locks: list[int] = field(default_factory=list)
    spoilt: set[str] = field(default_factory=set)
    injected: list[str] = field(default_factory=list)
    until_ms: int = 0


def read(rows: Iterable[Row]) -> History:
    """Sort the rows of a history. Rows of unknown kinds are nobody's business here."""
    history = History()
    for row in rows:
        history.until_ms = max(history.until_ms, int(row["at"]))
        sorter = _SORTERS.get(row["kind"])
        if sorter is not None:
            sorter(history, row)
    return history


def _written(history: History, row: Row) -> None:
    if row["wamid"]:
        history.written[row["wamid"]] = row


def _published(history: History, row: Row) -> None:
    if row.get("destination") == WITNESS or row["phase"] == "fail":
        return
    if row["body"]:
        history.envelopes.setdefault(row["body"], row["at"])
    if row["body"] and row["fault"] == "spoilt":
        history.spoilt.add(row["body"])
    if row["phase"] != "ok":
        return
    if row["direction"] == "in":
        history.published.add(row["wamid"])
    else:
        history.statuses[row["wamid"]].append(row["type"])
        if row["attempt"]:
            history.told.setdefault(row["attempt"], int(row["mono"]))
        if row["code"] in LOCKS:
            history.locks.append(_stamped(row))


def _stamped(row: Row) -> int:
    """When Meta said so, ms: a delayed report is older than its arrival, and a person may have looked in between."""
    said = json.loads(row["body"])["message_timestamp"]
    return int(datetime.fromisoformat(said).timestamp() * 1000)


def _accepted(history: History, row: Row) -> None:
    history.calls.append(row)
    if row.get("attempt") and row.get("wamid"):
        history.attempts[row["wamid"]] = row["attempt"]


def _shown(history: History, row: Row) -> None:
    if row["phase"] == "ok" and row["type"] not in {"read", "typing"}:
        history.shown[row["attempt"]].append(row)


def _received(history: History, row: Row) -> None:
    history.received.append(row)


def _status(history: History, row: Row) -> None:
    if body(row).get("biz_opaque_callback_data"):
        history.named.add(row["wamid"])


def _handed_over(history: History, row: Row) -> None:
    history.handed.append(row)


def _injected(history: History, row: Row) -> None:
    history.injected.append(row["body"])


def _violation(history: History, row: Row) -> None:
    history.violations.append(row)


_SORTERS: dict[str, Callable[[History, Row], None]] = {
    "written": _written,
    "published": _published,
    "accepted": _accepted,
    "shown": _shown,
    "status": _status,
    "handed_over": _handed_over,
    "injected": _injected,
    "received": _received,
    "violation": _violation,
}


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf of a JSON value by its path; empty containers are leaves too."""
    if isinstance(value, dict) and value:
        return {k: v for key, part in value.items() for k, v in leaves(part, f"{path}.{key}").items()}
    if isinstance(value, list) and value:
        return {k: v for i, part in enumerate(value) for k, v in leaves(part, f"{path}[{i}]").items()}
    return {path: value}


def body(row: Row) -> dict[str, Any]:
    """The JSON object a row is about; empty where it has none."""
    parsed = json.loads(row["body"]) if row.get("body") else {}
    return parsed if isinstance(parsed, dict) else {}
