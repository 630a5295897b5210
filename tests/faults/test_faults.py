"""The fault commands in small, on one system: its routes must exist before its first message, and it logs all.

What is killed here is visible again after 30 s; `make chaos-smoke` kills everybody.
"""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from local.system import System
from tests import engines
from tests.faults.audit_selftest import nothing_at_all, sabotaged
from tests.faults.chaos_smoke import chaos
from tests.faults.leak_check import DEBUG, checked
from tests.faults.newsroom import Newsroom

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.xdist_group("system"),
    pytest.mark.asyncio(loop_scope="module"),
]
SEED = 20_260_101


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory, opensearch: str) -> AsyncIterator[Newsroom]:
    folder: Path = tmp_path_factory.mktemp("newsroom")
    async with (
        System(opensearch_url=opensearch, prefix=engines.unique_prefix(), extra=DEBUG) as system,
        Newsroom(system, random.Random(SEED), folder) as made,  # noqa: S311 - reproducible traffic
    ):
        yield made


def say(text: str) -> None:
    print(text)


async def test_workers_killed_at_work_lose_nothing(room: Newsroom) -> None:
    outcome = await chaos(room, say, messages=40, parts=("gateway", "search"))
    assert outcome.passed, outcome.verdict()
    assert len(outcome.strikes) == 2
    assert len(outcome.falls) >= 2


async def test_nothing_leaks_but_what_is_planted(room: Newsroom) -> None:
    outcome = await checked(room, say, messages=20, plant=True)
    assert not outcome.empty
    assert [(kind, place) for kind, place, _ in outcome.leaks] == [("wamid", "log of ingest")]
    assert not outcome.passed


async def test_every_sabotage_is_found_but_the_one_not_carried_out(room: Newsroom) -> None:
    outcome = await sabotaged(room, say, plant=True, at_once=True, steal=False, texts=6)
    assert outcome.clean_before
    assert outcome.clean_again
    assert [row.name for row in outcome.rows if not row.found] == [nothing_at_all.__name__]
    assert not outcome.passed
