"""Committed schemas are current, the golden events still parse, and AsyncAPI holds together."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from shared import topology
from shared.events import export
from shared.events.compatibility import breaks
from shared.events.model import EVENT

DATA = Path(__file__).parents[2] / "data"
GOLDEN = sorted((DATA / "events").glob("*/*.json"))
BASELINE = DATA / "events-baseline"


def contains(whole: Any, part: Any) -> bool:
    """Every leaf of `part` stands in `whole`."""
    if isinstance(part, dict):
        return all(name in whole and contains(whole[name], member) for name, member in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return bool(whole == part)


def test_committed_schemas_and_asyncapi_are_current() -> None:
    assert export.stale() == [], "run: python -m shared.events.export"


def test_a_stale_file_is_noticed_named_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export.write(tmp_path)
    assert export.main(["--check"], tmp_path) == 0
    (tmp_path / export.ASYNCAPI).write_text("{}")
    (tmp_path / export.SCHEMAS / "desk.gone.v1.json").write_text("{}")
    assert export.main(["--check"], tmp_path) == 1
    shown = capsys.readouterr().out
    assert "docs/asyncapi.json" in shown
    assert "desk.gone.v1" in shown
    assert export.main([], tmp_path) == 0
    assert export.stale(tmp_path) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_events_of_the_past_still_parse(path: Path) -> None:
    text = path.read_text()
    event = EVENT.validate_json(text)
    assert event.type == path.parent.name
    assert contains(EVENT.dump_python(event, mode="json"), json.loads(text))
    Draft202012Validator(export.schema(event.type)).validate(json.loads(text))


def test_every_type_has_a_golden_event_and_a_baseline() -> None:
    assert {path.parent.name for path in GOLDEN} == set(export.types())
    assert {path.stem for path in BASELINE.glob("*.json")} == set(export.types())


@pytest.mark.parametrize("name", list(export.types()))
def test_schemas_are_valid_and_tell_types_apart(name: str) -> None:
    schema = export.schema(name)
    Draft202012Validator.check_schema(schema)
    event = json.loads((DATA / "events" / name / "v1-1.json").read_text())
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate({**event, "type": "desk.other.v1"})


@pytest.mark.parametrize("name", list(export.types()))
def test_old_and_new_versions_understand_each_other(name: str) -> None:
    assert breaks(json.loads((BASELINE / f"{name}.json").read_text()), export.schema(name)) == []


def changed(change: Any) -> list[str]:
    old = export.schema("desk.message.recorded.v1")
    new = copy.deepcopy(old)
    change(new)
    return breaks(old, new)


def test_breaking_changes_are_named() -> None:
    recorded = "Recorded"
    assert changed(lambda s: s["$defs"][recorded]["properties"].pop("rev"))[0] == "data.rev: gone"
    assert changed(lambda s: s["$defs"][recorded]["properties"]["rev"].update(type="string"))
    assert changed(lambda s: s["$defs"][recorded]["properties"]["source"]["enum"].remove("import"))
    assert changed(lambda s: s["$defs"][recorded]["required"].remove("rev"))
    assert changed(lambda s: s["$defs"]["MediaRef"]["properties"].pop("mime"))[0] == "data.media.mime: gone"
    assert changed(lambda s: s["properties"]["traceparent"].update(anyOf=[{"type": "string"}]))

    def demand(schema: dict[str, Any]) -> None:
        schema["$defs"][recorded]["properties"]["novelty"] = {"type": "string"}
        schema["$defs"][recorded]["required"].append("novelty")

    assert changed(demand) == ["data.novelty: new and required"]


def test_additions_and_prose_break_nothing() -> None:
    assert changed(lambda s: s["$defs"]["Recorded"]["properties"].update(novelty={"type": "string"})) == []
    assert changed(lambda s: s.update(description="otra", title="otro")) == []


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for member in value for found in references(member)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
    return own + [found for member in value.values() for found in references(member)]


def test_every_reference_of_asyncapi_resolves() -> None:
    document = export.asyncapi()
    found = references(document)
    assert found
    for reference in found:
        at: Any = document
        for step in reference.removeprefix("#/").split("/"):
            at = at[step]
        assert at


def test_asyncapi_names_every_topic_queue_and_type_once() -> None:
    document = export.asyncapi()
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert sorted(addresses) == sorted([*topology.TOPICS, *(spec.name for spec in topology.QUEUES)])
    assert set(export.types()) <= set(document["components"]["messages"])
    for message in document["components"]["messages"].values():
        Draft202012Validator.check_schema(message["payload"])


def test_queues_receive_what_their_filters_let_through() -> None:
    assert export.received(topology.queue("media")) == [
        "desk.message.recorded.v1",
        "desk.upload.completed.v1",
    ]
    assert export.received(topology.queue("ingest")) == ["EumSocialEnvelope"]
    assert export.received(topology.queue("desk")) == list(export.types())
    for spec in topology.QUEUES:
        for subscription in spec.subscriptions:
            wanted = (subscription.filter or {}).get("type", [])
            assert set(wanted) <= set(export.types()), f"{spec.name} filters on a type that does not exist"
