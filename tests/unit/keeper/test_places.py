"""Every place of the topology has an eraser, or a reason why it needs none."""

from collections.abc import Iterator

from services.ingest.keeper.erasers.places import ERASED, STATED, of_object, stated
from shared import topology
from tests.unit.keeper.keeper_world import keep


def places() -> Iterator[str]:
    for table in topology.TABLES:
        yield f"table {table.name}"
    for queue in topology.QUEUES:
        yield f"queue {queue.name}"
        yield f"queue {queue.dlq}"
    for alias in (topology.SEARCH_ALIAS, topology.SEARCH_CONVERSATIONS):
        yield f"index {alias}"


def unregistered(names: Iterator[str]) -> list[str]:
    return [name for name in names if name not in ERASED and name not in STATED]


def test_every_place_of_the_topology_is_registered() -> None:
    assert unregistered(places()) == []
    assert unregistered(iter(["table invented"])) == ["table invented"]


def test_every_bucket_has_registered_prefixes() -> None:
    buckets = {name.split("/")[0].removeprefix("bucket ") for name in (*ERASED, *STATED) if "bucket " in name}
    assert buckets == {*topology.BUCKETS}


def test_nothing_is_registered_that_is_nowhere() -> None:
    known = {*places(), "cdn", "transcribe"}
    assert [name for name in (*ERASED, *STATED) if name not in known and "bucket " not in name] == []
    assert not {*ERASED} & {*STATED}


def test_every_registered_eraser_is_asked_once_and_every_one_asked_is_registered() -> None:
    asked = [each.place for each in keep().erasing.erasers]
    assert len(asked) == len({*asked})
    assert {*asked} == {*ERASED.values()} | {name for name, _ in STATED.values()}
    assert [each.place for each in stated()] == asked[-len(stated()) :]


def test_an_object_under_a_prefix_that_nobody_registered_has_no_place() -> None:
    assert of_object("raw", "raw/eum/2027/x.json") == "bucket raw/raw/"
    assert of_object("exports", "imports/m1/state.json") == "bucket exports/imports/"
    assert of_object("exports", "copies/x.zip") is None
    assert of_object("raw", "loose") is None
