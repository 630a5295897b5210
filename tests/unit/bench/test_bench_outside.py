from typing import Any

import pytest

from bench.audit import lost_nothing
from bench.outside import Outside
from local.plan import PHONE_NUMBER
from shared.ids import received_id


def _row(seq: int, **more: Any) -> dict[str, Any]:
    blank = {"phase": "ok", "direction": "in", "type": "text", "wamid": "", "attempt": "", "destination": ""}
    return {**blank, "seq": seq, "at": seq * 10, **more}


def _seen(*rows: dict[str, Any]) -> Outside:
    outside = Outside("banco")
    for row in rows:
        outside.take(row)
    return outside


def test_the_first_publish_counts_and_the_witness_does_not() -> None:
    outside = _seen(
        _row(1, kind="published", wamid="w", destination="witness"),
        _row(2, kind="published", phase="invoke", wamid="w"),
        _row(3, kind="published", wamid="w"),
    )
    assert outside.published == {received_id(PHONE_NUMBER, "w"): 20}
    assert outside.seq == 3


def test_a_message_kept_twice_is_doubled() -> None:
    kept = {"kind": "received", "destination": "banco", "direction": "out"}
    outside = _seen(
        _row(1, **kept, remote_id="banco:i_a:1"),
        _row(2, **kept, remote_id="banco:i_b:1"),
        _row(3, **kept, remote_id="banco:i_b:1"),
        _row(4, **{**kept, "phase": "info"}, remote_id="banco:i_a:1"),
        _row(5, **{**kept, "destination": "otro"}, remote_id="otro:i_a:1"),
    )
    assert outside.kept == {"i_a": 10, "i_b": 20}
    assert outside.doubled == 1


def test_a_file_that_follows_is_no_second_delivery() -> None:
    kept = {"kind": "received", "destination": "banco", "direction": "out"}
    outside = _seen(_row(1, **kept, remote_id="banco:i_a:1"), _row(2, **kept, remote_id="banco:i_a:f0"))
    assert (outside.kept, outside.doubled) == ({"i_a": 10}, 0)


@pytest.mark.parametrize(("status", "there"), [("delivered", True), ("read", True), ("sent", False)])
def test_a_reply_is_there_once_delivered_or_read(status: str, there: bool) -> None:  # noqa: FBT001 - a table
    outside = _seen(_row(1, kind="published", direction="out", type=status, wamid="w", attempt="o_a.1"))
    assert outside.delivered == ({"o_a.1"} if there else set())


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ("audit: 5 written, 0 lost, 0 duplicated, 0 out of order, 0 unsettled, 0 late (p99 0.0 s)", True),
        ("audit: 5 written, 1 lost, 0 duplicated", False),
        ("audit: 0 written, 0 lost, 0 duplicated", False),
        ("audit: 50 written, 10 lost", False),
        ("ModuleNotFoundError: twin.audit", False),
        ("audit: 5 written, 0 lost, 1 duplicated, 0 out of order | exit 1", False),
        ("audit: 5 written, 0 lost, 0 duplicated, 2 out of order", False),
        ("", False),
    ],
)
def test_only_an_audit_of_something_with_no_loss_counts(line: str, sound: bool) -> None:  # noqa: FBT001 - a table
    assert lost_nothing(line) is sound
