"""The operators' commands, without any server."""

import importlib.util
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import __main__ as cdmx
from ops.replay import run
from shared.ids import received_id
from tests.unit.ingest.desk import ana, change, desk, envelope, said
from tests.unit.record.world import PNID


async def test_a_replay_fills_a_lost_record_and_repeats_nothing() -> None:
    first = desk()
    body = envelope(change(contacts=ana(), messages=[said("wamid.1"), {"id": "x" * 600, "type": "text"}]))
    await first.receive(body)
    lost = desk()
    for key in [info.key async for info in first.world.raw.list("raw/")]:
        info = await first.world.raw.head(key)
        assert info is not None
        await lost.world.raw.put(key, await first.world.raw.get(key), metadata=info.metadata)
    tally = await run(lost.ingest, lost.world.raw, None, "replay")
    assert tally.facts() == {"envelopes": 1, "items": {"new": 1}, "refused": {"too_long": 1}}
    again = await run(lost.ingest, lost.world.raw, None, "replay")
    assert again.line() == "replay: 1 envelopes, 1 again, 1 parked"
    before = await first.world.record.reader.get_message(received_id(PNID, "wamid.1"))
    after = await lost.world.record.reader.get_message(received_id(PNID, "wamid.1"))
    assert before is not None
    assert after is not None
    assert after.item["sk"] == before.item["sk"]
    assert after.item["source"] == "replay"


async def test_a_replay_since_a_moment_leaves_out_what_came_before() -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.1")]), at="2027-01-15T08:00:00Z"))
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.2")]), at="2027-01-15T09:00:00Z"))
    tally = await run(d.ingest, d.world.raw, datetime(2027, 1, 15, 8, 30, tzinfo=UTC), "replay")
    assert tally.envelopes == 1


def test_an_audit_without_the_auditor_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without_twin(name: str, package: str | None = None) -> Any:
        return None if name == "twin" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without_twin)
    done = CliRunner().invoke(cdmx.app, ["audit"])
    assert done.exit_code == 2
    assert "no está instalado" in done.stderr


def test_bad_settings_are_named_with_their_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDMX_ACCOUNT", "12")
    done = CliRunner().invoke(cdmx.app, ["replay"])
    assert done.exit_code == 2
    assert "CDMX_ACCOUNT" in done.stderr
