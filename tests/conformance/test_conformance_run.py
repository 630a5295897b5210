"""The check on real servers and processes: own samples are kept, a second run adds nothing, a plant is found."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.plan import ACCOUNT, EUM_PHONE_NUMBER, PHONE_NUMBER, REGION, WABA
from local.system import System
from tests.conformance.__main__ import Run, files, planted
from tests.conformance.judge import Plant
from tests.conformance.own import Account, Owner

SAMPLES = Path(__file__).parent / "samples"
OTHERS = (
    "twin",
    "media",
    "forwarder",
    "gateway",
    "indexer",
    "search",
)  # none of them writes what is read here
pytestmark = pytest.mark.e2e


@pytest.fixture
async def system() -> AsyncIterator[System]:
    """Ingest and desk with what they need; OpenSearch is somebody else's and never asked."""
    async with System(opensearch_url="http://127.0.0.1:9", without=OTHERS) as running:
        yield running


def run(system: System, run_id: str) -> Run:
    owner = Owner(run_id, Account(WABA, PHONE_NUMBER, EUM_PHONE_NUMBER, ACCOUNT, REGION))
    return Run(system, files(SAMPLES, owner), owner)


async def test_own_samples_are_kept_once_and_plants_are_found(system: System) -> None:
    one = run(system, "one")
    first = one.feed()
    rows = await one.judge(Plant())
    assert {row.name: row.wrong for row in rows if not row.kept} == {}
    assert sum(row.read for row in rows) == sum(row.leaves for row in rows) > 0

    plant = planted("both", one.fed)
    assert {row.name for row in await one.judge(plant) if not row.kept} == {plant.leaf, plant.byte}

    assert run(system, "one").feed() == first
    other = run(system, "other")
    assert len(other.feed()) > len(first)
    assert all(row.kept for row in await other.judge(Plant()))
