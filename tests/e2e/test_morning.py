"""The demo of `make up` on the whole system: what it shows is what must have happened."""

import httpx
import pytest
from rich.console import Console

from local import demo
from local.plan import ACCOUNT
from local.system import System
from shared import topology

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]


async def test_a_morning_arrives_everywhere_and_the_reply_is_read(system: System) -> None:
    await system.open_newsroom()
    await system.open_newsroom()  # a second start finds everything as it is
    async with httpx.AsyncClient(timeout=20) as http:
        morning = demo.Morning(system.urls, system.token("agent"), http)
        complete = await morning.play(Console(quiet=True))
    assert complete, {track.scene.name: track.ms for track in morning.tracks} | {"reply": morning.reply}
    assert len(morning.tracks) == len(demo.MORNING)
    assert "6 of 6" in morning.verdict()
    assert await morning.follow(lambda: _witnessed(system) >= len(demo.MORNING))


def _witnessed(system: System) -> int:
    """Envelopes of EventBridge, the witness that SNS has not gone silent, in the archive."""
    bucket = system.plan.naming.bucket(topology.RAW_BUCKET, ACCOUNT)
    found = system.clients("s3").list_objects_v2(Bucket=bucket, Prefix="raw/witness/")
    return int(found["KeyCount"])


async def test_a_killed_worker_comes_back_and_loses_nothing(system: System) -> None:
    system.kill("ingest")
    async with httpx.AsyncClient(timeout=20, base_url=system.urls["twin"]) as twin:
        said = (
            await twin.post("/_twin/customers/5215599990001/messages", json={"text": "¿siguen ahí?"})
        ).json()
    assert not system.alive("ingest")
    await system.restart("ingest")
    async with httpx.AsyncClient(timeout=20) as http:
        morning = demo.Morning(system.urls, system.token("agent"), http)
        scene = demo.Scene("5215599990001", "alguien", {"type": "text", "text": "¿siguen ahí?"})
        track = demo.Track(scene, said["wamid"], said["nonce"], 0.0)
        morning.tracks.append(track)
        assert await morning.follow(lambda: "registrado" in track.ms)
