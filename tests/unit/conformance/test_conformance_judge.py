"""The check passes on what is kept, and names whatever is not: each fault is planted in turn."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.store.port import Delete
from tests.conformance import members, typed
from tests.conformance.__main__ import planted
from tests.conformance.judge import Plant, Row
from tests.conformance.leaves import without
from tests.conformance.seen import Held
from tests.unit.conformance.memory import Bench, MemorySeen
from tests.unit.ingest.desk import change, said

ROOT = Path(__file__).parents[3]
OWN = ROOT / "tests/conformance/samples"
FIXTURES = ROOT / "tests/data/webhooks"


def folder(tmp_path: Path, *values: Any, field: str = "messages") -> Path:
    """A folder of entries, each of one change."""
    for n, value in enumerate(values):
        entry = {"id": "1", "changes": [{"field": field, "value": value}]}
        (tmp_path / f"{n}.json").write_text(json.dumps(entry))
    return tmp_path


def texts(tmp_path: Path, *bodies: str) -> Path:
    values = [change(messages=[said("wamid.shared", body)])["value"] for body in bodies]
    return folder(tmp_path, *values)


async def fed(where: Path) -> Bench:
    bench = Bench(where)
    await bench.feed()
    return bench


def wrong(rows: list[Row]) -> dict[str, list[str]]:
    return {row.name: row.wrong for row in rows if row.wrong}


@pytest.mark.parametrize("where", [OWN, FIXTURES], ids=["own", "fixtures"])
async def test_every_sample_is_kept_and_a_second_feeding_adds_nothing(where: Path) -> None:
    bench = await fed(where)
    before = await bench.keys()
    rows = await bench.judge()
    assert wrong(rows) == {}
    assert len(rows) == len(bench.fed)
    assert sum(row.read for row in rows) == sum(row.leaves for row in rows) > 0
    await bench.feed()
    assert await bench.keys() == before
    assert wrong(await bench.judge()) == {}


async def test_own_samples_hold_every_documented_member_and_each_comes_back_by_a_typed_field() -> None:
    rows = await (await fed(OWN)).judge()
    assert {section: names for section, names in members.missing(rows).items() if names} == {}
    counted = members.counts(rows)
    assert counted["members"] == counted["members read back"] > 500
    told = members.table([replace(rows[0], members=set())])
    assert told.row_count == len(members.everything())


def test_own_samples_are_a_dozen_and_more_of_every_shape() -> None:
    bench = Bench(OWN)
    shapes = {sample.shape for sample, _ in bench.fed}
    assert shapes == {"envelope", "entry", "webhook", "event", "chat", "other"}
    assert len(bench.fed) >= 12


async def test_files_that_share_a_wamid_are_kept_apart(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno", "dos"))
    assert wrong(await bench.judge()) == {}
    assert len([item for item in await bench.desk.world.items("messages") if "sealed" in item]) == 2


async def test_a_dropped_leaf_and_an_altered_byte_are_each_found() -> None:
    bench = await fed(OWN)
    plant = planted("both", bench.fed)
    found = wrong(await bench.judge(plant))
    assert set(found) == {plant.leaf, plant.byte}
    assert any("lost" in each for each in found[plant.leaf])
    assert found[plant.byte] == ["archived with other bytes"]
    assert planted("leaf", bench.fed) == Plant(leaf=plant.leaf)
    assert planted(None, bench.fed) == Plant()


async def test_every_leaf_that_is_dropped_is_found(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    sample, _ = bench.fed[0]
    real = bench.seen.message

    async def shown(pnid: str, wamid: str) -> Any:
        found = await real(pnid, wamid)
        assert found is not None
        return found | {"value": without(found["value"], path)}

    (row,) = await bench.judge()
    paths = [path for path in typed.leaves_of(typed.item_of((await _value(bench)), "messages")) if path]
    assert len(paths) == row.leaves
    bench.seen.message = shown  # type: ignore[method-assign] # the sight is what the test damages
    for path in paths:
        (row,) = await bench.judge()
        assert row.name == sample.name
        assert not row.kept, path


async def _value(bench: Bench) -> dict[str, Any]:
    (item,) = [item for item in await bench.desk.world.items("messages") if "sealed" in item]
    return dict((await bench.desk.world.record.reader.open(item)).value)


async def test_an_altered_type_of_a_leaf_is_found(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    real = bench.seen.message

    async def shown(pnid: str, wamid: str) -> Any:
        found = await real(pnid, wamid)
        assert found is not None
        row = {**found["value"]["messages"][0], "timestamp": 1_800_000_000}
        return found | {"value": {**found["value"], "messages": [row]}}

    bench.seen.message = shown  # type: ignore[method-assign] # the sight is what the test damages
    assert wrong(await bench.judge()) == {"0.json": ["messages[].timestamp: altered"]}


async def test_a_message_that_is_not_there_is_lost(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    item = next(item for item in await bench.desk.world.items("messages") if "sealed" in item)
    await bench.desk.world.store.write(Delete("ids", item["message_id"], "-"))
    (found,) = wrong(await bench.judge()).values()
    assert found == ["entry[0].changes[0].value.messages[0]: lost, message expected"]


async def test_what_never_arrived_is_missing_in_the_archive(tmp_path: Path) -> None:
    bench = Bench(texts(tmp_path, "uno"))
    assert wrong(await bench.judge()) == {"0.json": ["not in the archive"]}


async def test_a_rejected_neighbour_is_told_from_a_lost_one(tmp_path: Path) -> None:
    bench = await fed(OWN)
    bench.parked = [each for each in bench.parked if each["reason"] != "lone_surrogate"]
    found = wrong(await bench.judge())
    assert "hostile-lone-surrogate.json" in found


async def test_a_rejection_of_something_well_formed_is_found(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    raw = next(iter(bench.archive.keys()))
    path = "entry[0].changes[0].value.messages[0].text"
    bench.parked.append({"raw_id": raw, "reason": "x", "type": "item.0", "error": path})
    (found,) = wrong(await bench.judge()).values()
    assert found == ["entry[0].changes[0].value.messages[0]: recorded 2 times: rejected, message"]
    bench.parked[-1] = {**bench.parked[-1], "error": "entry[0].changes[0].value.metadata"}
    (found,) = wrong(await bench.judge()).values()
    assert found == ["rejected though well-formed: entry[0].changes[0].value.metadata"]


async def test_an_account_event_nobody_sent_is_found(tmp_path: Path) -> None:
    bench = await fed(folder(tmp_path, {"decision": "APPROVED"}, field="account_review_update"))
    assert wrong(await bench.judge()) == {}

    class Inventing(MemorySeen):
        async def accounts(self, raw_id: str, positions: int) -> list[Held]:
            found = await super().accounts(raw_id, positions)
            return [*found, replace(found[0], webhook="security")]

    bench.seen = Inventing(bench.desk)
    assert wrong(await bench.judge()) == {"0.json": ["recorded, but in no payload: security"]}


async def test_a_documented_type_that_lands_as_unknown_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    monkeypatch.setattr(typed, "is_known", lambda _: False)
    (found,) = wrong(await bench.judge()).values()
    assert found == ["entry[0].changes[0].value.messages[0]: unknown instead of message"]


async def test_a_documented_leaf_without_a_field_is_found_and_an_undocumented_one_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = said("wamid.1") | {"sparkle": 1}
    bench = await fed(folder(tmp_path, change(messages=[row])["value"]))
    (kept,) = await bench.judge()
    assert (kept.kept, kept.untyped) == (True, 1)
    real = typed.leaves_of
    monkeypatch.setattr(typed, "leaves_of", lambda i: {p: (leaf, False) for p, (leaf, _) in real(i).items()})
    (blind,) = await bench.judge()
    assert "messages[].text.body: documented, but no field of the product's holds it" in blind.wrong


async def test_what_no_queue_carries_is_told_and_what_is_large_or_absurdly_deep_is_kept(
    tmp_path: Path,
) -> None:
    (tmp_path / "0-empty.json").write_text("")
    (tmp_path / "1-huge.json").write_text(json.dumps("x" * (1 << 20)))
    (tmp_path / "2-nested.json").write_text("[" * (1 << 17) + "]" * (1 << 17))
    texts(tmp_path, "ñ" * 300_000)
    rows = await (await fed(tmp_path)).judge()
    assert wrong(rows) == {}
    kinds = {row.name: list(row.kinds) for row in rows}
    assert kinds["0-empty.json"] == kinds["1-huge.json"] == ["undeliverable"]
    assert kinds["2-nested.json"] == ["rejected"]
    assert kinds["0.json"] == ["message"]


async def test_an_excepted_leaf_is_not_counted(tmp_path: Path) -> None:
    bench = await fed(texts(tmp_path, "uno"))
    (all_of_it,) = await bench.judge()
    (less,) = await bench.judge(excepted={"messages[].text.body": "shown elsewhere"})
    assert less.leaves == all_of_it.leaves - 1


async def test_a_status_the_api_does_not_show_is_found(tmp_path: Path) -> None:
    status = {"id": "wamid.1", "status": "read", "timestamp": "1800000000", "recipient_id": "5215512345678"}
    bench = await fed(folder(tmp_path, change(statuses=[status])["value"]))
    assert wrong(await bench.judge()) == {}

    class Blind(MemorySeen):
        async def detail(self, message_id: str) -> dict[str, Any] | None:
            found = await super().detail(message_id)
            return found and {**found, "statuses": []}

    bench.seen = Blind(bench.desk)
    (found,) = wrong(await bench.judge()).values()
    assert found == ["entry[0].changes[0].value.statuses[0]: the API does not show it"]
