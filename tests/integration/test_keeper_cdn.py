"""The CDN from the keeper's side: one suite for the fake and for CloudFront as the emulator has it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiobotocore.session import get_session

from local.plan import REGION
from local.provision import clients
from services.ingest.keeper.adapters.cloudfront import CloudFront
from services.ingest.keeper.adapters.memory import MemoryEdges
from services.ingest.keeper.ports import Edges, EdgesUnavailableError
from tests.faultproxy import FaultProxy, drop_after, refuse

pytestmark = pytest.mark.engines
PATHS = ["/served/ab/abcd/original", "/served/ab/abcd/r/thumb.webp"]


class Memory:
    """The fake."""

    def __init__(self) -> None:
        self.edges = MemoryEdges()

    def asked(self) -> list[list[str]]:
        return [list(paths) for paths in self.edges.asked.values()]


class Real:
    """A distribution of the emulator's."""

    def __init__(self, client: Any, edges: Edges, distribution: str) -> None:
        self.edges = edges
        self._client = client
        self._distribution = distribution

    def asked(self) -> list[list[str]]:
        at = {"DistributionId": self._distribution}
        listed = self._client.list_invalidations(**at)["InvalidationList"].get("Items", [])
        found = [self._client.get_invalidation(**at, Id=each["Id"])["Invalidation"] for each in listed]
        return [each["InvalidationBatch"]["Paths"]["Items"] for each in found]


def distribution(client: Any) -> str:
    """A new one before an origin that nobody asks."""
    origin = {"Id": "media", "DomainName": "media.example", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behaviour = {"TargetOriginId": "media", "ViewerProtocolPolicy": "https-only", "MinTTL": 0}
    behaviour["ForwardedValues"] = {"QueryString": False, "Cookies": {"Forward": "none"}}
    config = {
        "CallerReference": "keeper",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behaviour,
    }
    made: str = client.create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    return made


@pytest.fixture(params=["memory", "cloudfront"])
async def place(request: pytest.FixtureRequest, ministack: str) -> AsyncIterator[Memory | Real]:
    if request.param == "memory":
        yield Memory()
        return
    raw = clients(ministack)("cloudfront")
    made = distribution(raw)
    async with get_session().create_client(
        "cloudfront", endpoint_url=ministack, region_name=REGION
    ) as client:
        yield Real(raw, CloudFront(client, made), made)


async def test_what_is_to_be_forgotten_is_asked_for(place: Memory | Real) -> None:
    await place.edges.forget(PATHS, "e_1-a")
    await place.edges.forget(PATHS[:1], "e_1-b")
    assert sorted(place.asked()) == sorted([PATHS, PATHS[:1]])


@pytest.mark.parametrize(
    "fault", [refuse("TooManyInvalidationsInProgress"), refuse("Throttling", 429), drop_after()]
)
async def test_no_answer_is_said_as_such_and_may_be_asked_again(fault: Any, ministack: str) -> None:
    made = distribution(clients(ministack)("cloudfront"))
    async with FaultProxy(ministack) as proxy:
        session = get_session().create_client("cloudfront", endpoint_url=proxy.url, region_name=REGION)
        async with session as client:
            edges = CloudFront(client, made)
            rule = proxy.fail("POST *", fault, times=None)
            with pytest.raises(EdgesUnavailableError):
                await edges.forget(PATHS, "e_1-a")
            assert rule.hits
            proxy.rules.clear()
            await edges.forget(PATHS, "e_1-a")
