"""What a status does to an attempt's delivery and to its message; pure decisions over items as read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.record.shape import lane_pk, whatsapp_destination
from shared.record.states import REACHED, REPORTED, advance, best
from shared.store.port import Attr, Item, Update


@dataclass(frozen=True, slots=True)
class Report:
    """A status as far as states go: Meta's word, which attempt, when, with which error."""

    status: str
    attempt: int | None
    at_ms: int
    code: int | None = None


def attempts_of(message: Item) -> tuple[str, str]:
    """Partition and sort key prefix of the deliveries of a message's attempts."""
    lane = lane_pk(whatsapp_destination(message["pnid"]), message["pk"])
    return lane, f"{message['message_id']}#"


def effects(message: Item, deliveries: Sequence[Item], report: Report) -> tuple[Update, Update | None]:
    """The updates of the message and of the attempt's delivery; both fail if their item moved since."""
    mine = next((item for item in deliveries if _is(item, report.attempt)), None)
    states = {item["sk"]: item["state"] for item in deliveries}
    reported = REPORTED.get(report.status)
    moved = None
    if mine is not None and reported is not None:
        moved = _move(mine, reported, report)
        states[mine["sk"]] = advance(mine["state"], reported)
    if deliveries:
        state = best(states.values())
    else:
        state = advance(message.get("state"), reported) if reported else message.get("state")
    twice = sum(each in REACHED for each in states.values()) > 1
    return _message(message, state, twice=twice), moved


def _is(delivery: Item, attempt: int | None) -> bool:
    return attempt is not None and delivery["part"] == str(attempt)


def _message(message: Item, state: str | None, *, twice: bool) -> Update:
    changes: dict[str, Any] = {}
    if state is not None and state != message.get("state"):
        changes["state"] = state
    if twice:
        changes["delivered_twice"] = True
    same = Attr("rev").eq(message["rev"])
    return Update("messages", message["pk"], message["sk"], set=changes, add={"rev": 1}, condition=same)


def _move(delivery: Item, reported: str, report: Report) -> Update | None:
    """An attempt that a status speaks of has left the lane, whatever the gateway still believes."""
    state = advance(delivery["state"], reported)
    finished = "owed" not in delivery
    if state == delivery["state"] and finished:
        return None
    changes: Mapping[str, Any] = {"state": state, **({} if finished else {"settled_at": report.at_ms})}
    if report.code is not None and state == "failed":
        changes = {**changes, "code": report.code}
    same = Attr("state").eq(delivery["state"]) & Attr("rev").eq(delivery["rev"])
    return Update(
        "deliveries",
        delivery["pk"],
        delivery["sk"],
        set=changes,
        add={"rev": 1},
        remove=["owed"],
        condition=same,
    )
