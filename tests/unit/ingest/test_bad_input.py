"""Whatever comes in: kept, parked or poison; never another exception, never a neighbour lost."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Poison
from shared.ids import received_id
from tests.unit.ingest.desk import ANA, ana, change, desk, envelope, said
from tests.unit.record.world import PNID

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=20) | JSON,
        "from": st.text(max_size=20) | JSON,
        "timestamp": st.text(max_size=12) | JSON,
        "type": st.sampled_from(["text", "image", "reaction", "edit", "revoke", "system", "order"]) | JSON,
        "text": JSON,
        "image": JSON,
        "reaction": JSON,
        "edit": JSON,
        "context": JSON,
    },
)


async def survives(body: str) -> None:
    d = desk()
    try:
        await d.receive(body)
    except Poison:
        assert d.bus.events == []
    assert [info async for info in d.world.raw.list("raw/")]


@given(st.text(max_size=200) | JSON.map(json.dumps))
@settings(max_examples=60, deadline=None)
def test_any_body_is_archived_and_kept_or_poison(body: str) -> None:
    asyncio.run(survives(body))


@given(st.lists(MESSAGE, max_size=3), JSON, JSON)
@settings(max_examples=100, deadline=None)
def test_any_message_leaves_its_neighbour_alone(bad: list[Any], contacts: Any, metadata: Any) -> None:
    async def look() -> None:
        d = desk()
        strange = {
            "field": "messages",
            "value": {"contacts": contacts, "metadata": metadata, "messages": bad},
        }
        good = change(contacts=ana(), messages=[said("wamid.good")])
        await d.receive(envelope(good, strange))
        assert await d.world.record.reader.get_message(received_id(PNID, "wamid.good")) is not None

    asyncio.run(look())


@pytest.mark.parametrize(
    "bad",
    [
        {"id": "w" * 10_000, "type": "text", "from": ANA},
        {"id": "wamid.y", "type": "text", "from": ANA, "timestamp": "253402300800", "text": {"body": "9999"}},
        {"id": "wamid.z", "type": "text", "from": ANA, "text": {"body": "\ud800"}},
        {
            "id": "wamid.k",
            "type": "image",
            "from": ANA,
            "image": {"id": "../../etc", "mime_type": "image/png"},
        },
        {"id": "wamid.t", "type": "x" * 10_000, "from": ANA},
        {"id": "wamid.g", "type": "text", "from": "", "text": {"body": "nadie"}},
    ],
)
async def test_the_listed_bad_inputs_are_kept_or_parked(bad: dict[str, Any]) -> None:
    d = desk()
    await d.receive(envelope(change(contacts=ana(), messages=[said("wamid.good"), bad])))
    kept = len([i for i in await d.world.items("messages") if "#" not in i["sk"]])
    assert kept + len(await d.parked()) == 2
    for item in await d.world.items("messages"):
        assert item["sk"] < "1801"  # within the years an order_key may name
