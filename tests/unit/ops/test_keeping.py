"""`cdmx retention|hold|erase|reconcile` over the in-memory ports."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from ops import __main__ as cdmx
from ops import keeping
from ops.keeping import Parts, RefusedError
from services.desk.audit import AuditLog
from services.ingest.keeper.settings import KeeperSettings
from shared.record.retention import BadRetentionError
from tests.unit.ingest.desk import ANA, WABA
from tests.unit.keeper.keeper_world import NOON_MS, PNID, Keep, keep, says


def parts(k: Keep) -> Parts:
    w = k.world

    async def objects(_bucket: str) -> Any:
        return w.raw

    settings = KeeperSettings(
        opensearch_url="http://127.0.0.1:9", portfolio="portfolio", wabas=(WABA,), numbers={PNID: "eum"}
    )
    app: Any = SimpleNamespace(clock=w.clock, ids=w.ids, settings=settings, objects=objects)
    audit = AuditLog(w.store, w.clock, w.ids)
    return Parts(app, w.store, w.record, k.holds, k.requests, audit, "cdmx:op")


async def audited(k: Keep) -> list[str]:
    rows = [item for item in await k.world.items("audit_log") if item["pk"] == "log"]
    return [row["action"] for row in sorted(rows, key=lambda row: row["sk"])]


async def test_a_person_is_erased_by_number_with_a_receipt() -> None:
    k = keep()
    item = await says(k, "wamid.1", "hola")
    for given in (ANA, f"+{ANA}", "+52" + ANA[-10:], item["contact_id"]):
        erasure = await keeping.ask(parts(k), given, "EXP-1/2027")
    assert len(await k.requests.open()) == 1
    await k.through(erasure)
    done = await keeping.finished(parts(k), erasure, 1)
    assert done["receipt"]["reference"] == "EXP-1/2027"
    assert set(await audited(k)) == {"erasure.asked"}
    for who in (ANA, "p_nobody", "MX.123"):
        with pytest.raises(RefusedError):
            await keeping.ask(parts(k), who, "EXP-1")
    with pytest.raises(RefusedError, match="solicitud"):
        await keeping.finished(parts(k), "e_none", 1)
    assert await keeping.replayed(parts(k)) == 1
    assert await keeping.replayed(parts(k)) == 0


async def test_a_case_is_no_name() -> None:
    k = keep()
    item = await says(k, "wamid.1", "hola")
    for reference in ("", "María Pérez", "a" * 65):
        with pytest.raises(RefusedError, match="expediente"):
            await keeping.ask(parts(k), item["contact_id"], reference)
        with pytest.raises(RefusedError, match="expediente"):
            await keeping.place_hold(parts(k), item["contact_id"], reference, None)


async def test_holds_are_placed_and_lifted_and_audited() -> None:
    k = keep()
    item = await says(k, "wamid.1", "hola")
    hold = await keeping.place_hold(parts(k), item["pk"], "JUZGADO-7", datetime(2027, 6, 1, tzinfo=UTC))
    (standing,) = await k.holds.standing()
    assert (standing["sk"], standing["subject"]) == (hold, item["pk"])
    await keeping.lift_hold(parts(k), hold)
    with pytest.raises(RefusedError, match="hold list"):
        await keeping.lift_hold(parts(k), hold)
    with pytest.raises(RefusedError, match="p_"):
        await keeping.place_hold(parts(k), "c_none", "JUZGADO-7", None)
    assert await audited(k) == ["hold.placed", "hold.lifted"]


async def test_retention_is_set_within_its_bounds() -> None:
    k = keep()
    assert "200 días" in await keeping.set_days(parts(k), "messages", 200)
    assert (await keeping.shown_days(parts(k)))["messages"] == 200
    with pytest.raises(BadRetentionError):
        await keeping.set_days(parts(k), "messages", 10)
    assert await audited(k) == ["retention.set"]


def test_the_receipt_is_printed_and_a_hold_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    done = {"sk": "e_1", "state": "done", "receipt": {"erasure_id": "e_1", "places": []}}
    keeping._told(done, as_json=True)
    assert json.loads(capsys.readouterr().out) == done["receipt"]
    keeping._told(done, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "erase: e_1 borrada; el recibo está arriba"
    keeping._told({"sk": "e_1", "state": "held", "hold_id": "h_1"}, as_json=False)
    assert "h_1" in capsys.readouterr().out
    keeping._told({"sk": "e_1", "state": "asked"}, as_json=False)
    assert capsys.readouterr().out == "erase: e_1 en curso\n"


@pytest.mark.parametrize(
    "words",
    [
        ["retention", "show"],
        ["hold", "list"],
        ["erase", "p_1"],
        ["reconcile", "--since", "2027-01-15T08:00:00"],
    ],
)
def test_bad_settings_are_named(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDMX_ACCOUNT", "12")
    done = CliRunner().invoke(cdmx.app, words)
    assert done.exit_code == 2
    assert "CDMX_ACCOUNT" in done.stderr


async def test_reconciling_by_hand_counts_each_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    k = keep()
    await says(k, "wamid.1", "hola")
    k.world.clock.ms += 120_000

    async def looker(_parts: Parts) -> Any:
        return k.reconciler._looker

    monkeypatch.setattr(keeping, "_looker", looker)
    since = datetime.fromtimestamp(NOON_MS / 1000 - 60, UTC)
    lacking = await keeping.reconciled(parts(k), since, repair=True)
    assert lacking == {"ids": 0, "messages": 0, "documents": 1, "routed": 1, "deliveries": 0}
