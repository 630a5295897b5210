"""Erasing a person's files: what the CDN holds, uploads that others wait for, copies that dead workers left."""

import hashlib
from typing import Any

import pytest

from services.ingest.keeper.ports import EdgesUnavailableError
from shared.bus.attributes import body
from shared.media.uploads import upload_key, wait_sk
from shared.objects.cdn import served_key
from shared.record import events
from shared.record.files import reference_sk
from shared.record.outbound import Draft, Outbound
from shared.store.port import ContendedError, Put, Update
from tests.unit.keeper.erasing_world import morning
from tests.unit.keeper.keeper_world import (
    NOON_MS,
    Keep,
    attach,
    keep,
    message_of,
    stored,
)


async def test_the_cdn_forgets_files_that_go_and_no_others() -> None:
    k = keep()
    ana = await morning(k)
    first = await message_of(k, "wamid.a1")
    own, shared = (each["sha256"] for each in first["media"])
    edges = k.ports["edges"]
    assert {f"/{served_key(own)}", f"/{served_key(shared)}"} == edges.copies.keys()
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert list(edges.copies) == [f"/{served_key(shared)}"]
    (asked,) = edges.asked.values()
    assert asked == (f"/{served_key(own)}", f"/{served_key(own, 'thumb.webp')}")
    places = {each["place"]: each["erased"] for each in done["receipt"]["places"]}
    assert places["cdn"] == 2
    assert [item for item in await k.world.items("config") if item["pk"].startswith("cdn#")] == []


async def test_what_the_cdn_must_forget_is_known_until_it_answers() -> None:
    k = keep()
    ana = await morning(k)
    own = (await message_of(k, "wamid.a1"))["media"][0]["sha256"]
    k.ports["edges"].fail = True
    erasure = await k.requests.ask(ana, "x", "agent-1")
    with pytest.raises(EdgesUnavailableError):
        await k.erasing.work()
    assert await k.bucket.head(served_key(own)) is None
    k.ports["edges"].fail = False
    await k.through(erasure)
    assert f"/{served_key(own)}" not in k.ports["edges"].copies


async def test_a_system_without_a_cdn_that_caches_says_so() -> None:
    k = keep(edges=None)
    ana = await morning(k)
    done = await k.through(await k.requests.ask(ana, "x", "agent-1"))
    (cdn,) = [each for each in done["receipt"]["places"] if each["place"] == "cdn"]
    assert cdn["erased"] == 0
    assert "CDMX_CDN_DISTRIBUTION" in cdn["note"]
    assert [item for item in await k.world.items("config") if item["pk"].startswith("cdn#")] == []


async def test_an_upload_sent_to_the_person_ends_with_the_message() -> None:
    k = keep()
    ana = await morning(k)
    message = await message_of(k, "wamid.a2")
    sha = await attach(k, message, b"a file of ours")
    media = [{**message["media"][0], "upload_id": "u_1"}]
    w = k.world
    await w.store.write(
        Update("messages", message["pk"], message["sk"], set={"media": media}, add={"rev": 1})
    )
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "ready", "sha256": sha, "rev": 3}))
    await w.store.write(Put("media", {"pk": sha, "sk": reference_sk("u_1", 0)}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    upload = {"pk": "u_1", "state": "ready", "sha256": sha, "rev": 3, "mime": "image/jpeg"}
    settled = body(events.upload_settled(upload, events.Envelope(NOON_MS)))
    await w.store.write(Put("desk_log", {"pk": "log", "sk": f"{1:016d}", "event": settled}))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert b"a file of ours" not in await stored(k)
    assert await w.store.get("media", "u_1") is None
    assert [sha in item["event"] for item in await w.items("desk_log")] == [False]


async def waiting(k: Keep, message_id: str, conversation_id: str) -> dict[str, Any]:
    """A reply with an upload that is not settled yet."""
    w = k.world
    outbound = Outbound(w.store, w.record.reader, w.record.sealing, w.clock, w.ids, "desk", 400)
    medium: Any = {"n": 0, "mime": "image/jpeg", "state": "pending", "upload_id": "u_1"}
    said_ = {"type": "image", "image": {"id": "u_1"}}
    kept = await outbound.record(Draft(message_id, conversation_id, "ana", "image", said_, media=[medium]))
    assert kept.message is not None
    return dict(kept.message)


@pytest.mark.parametrize("settled", [True, False])
async def test_an_upload_that_somebody_else_waits_for_stays_until_they_have_it(settled: bool) -> None:  # noqa: FBT001 - drawn
    k = keep()
    ana = await morning(k)
    w, sha = k.world, hashlib.sha256(b"a file of ours").hexdigest()
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    theirs = await waiting(k, "o_ana", (await message_of(k, "wamid.a1"))["pk"])
    other = await waiting(k, "o_luis", (await message_of(k, "wamid.l1"))["pk"])
    if settled:  # the worker is at its second message
        media = [{**theirs["media"][0], "state": "ready", "sha256": sha}]
        await w.store.write(
            Update("messages", theirs["pk"], theirs["sk"], set={"media": media}, add={"rev": 1})
        )
        await w.store.write(Put("media", {"pk": sha, "sk": reference_sk(theirs["message_id"], 0)}))
        await w.store.write(Update("media", "u_1", "-", set={"state": "ready", "sha256": sha}))
        await w.store.write(Put("media", {"pk": sha, "sk": reference_sk("u_1", 0)}))
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    upload = await w.store.get("media", "u_1")
    assert upload is not None
    assert upload["state"] == ("ready" if settled else "pending")
    waits = [each["sk"] for each in await w.items("media") if each["pk"] == "u_1" and each["sk"] != "-"]
    assert waits == [wait_sk(other["message_id"], 0)]
    assert await k.bucket.head(upload_key("u_1")) is not None
    assert settled == (await w.store.get("media", sha, reference_sk("u_1", 0)) is not None)
    await waiting(k, "o_luis_2", other["pk"])
    assert "ending" not in (await w.store.get("media", "u_1") or {})


async def test_an_upload_that_somebody_is_sent_as_it_is_looked_at_stays() -> None:
    k = keep()
    ana = await morning(k)
    w, luis = k.world, (await message_of(k, "wamid.l1"))["pk"]
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await waiting(k, "o_ana", (await message_of(k, "wamid.a1"))["pk"])
    query = w.store.query

    async def and_then(table: str, pk: str, *given: Any, **more: Any) -> Any:
        page = await query(table, pk, *given, **more)
        if (table, pk) == ("media", "u_1") and await w.store.get("ids", "o_luis") is None:
            await waiting(k, "o_luis", luis)
        return page

    w.store.query = and_then  # type: ignore[method-assign] # the moment between the look and the end
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert (await w.store.get("media", "u_1") or {})["state"] == "pending"


async def test_an_upload_that_only_the_person_waits_for_ends_and_is_sent_to_nobody_any_more() -> None:
    k = keep()
    ana = await morning(k)
    w, cid = k.world, (await message_of(k, "wamid.a1"))["pk"]
    await w.store.write(Put("media", {"pk": "u_1", "sk": "-", "state": "pending", "rev": 2}))
    await k.bucket.put(upload_key("u_1"), b"a file of ours")
    await k.bucket.put(
        served_key(hashlib.sha256(b"a file of ours").hexdigest()), b"a file of ours"
    )  # not referred to
    for message_id in ("o_1", "o_2"):
        await waiting(k, message_id, cid)
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert [each for each in await w.items("media") if each["pk"] == "u_1"] == []
    assert b"a file of ours" not in await stored(k)
    with pytest.raises(ContendedError):
        await waiting(k, "o_3", (await message_of(k, "wamid.l1"))["pk"])


async def test_what_was_still_fetched_or_written_down_for_the_person_is_found_by_the_next_round() -> None:
    k = keep()
    ana = await morning(k)
    erasure = await k.requests.ask(ana, "x", "agent-1")
    await k.erasing.work()
    message = await message_of(k, "wamid.a1")
    for key in (f"incoming/{message['message_id']}/0/file", f"transcripts/{message['message_id']}.json"):
        await k.bucket.put(key, b"fetched too late")
    await k.through(erasure)
    assert b"fetched too late" not in await stored(k)


async def test_a_copy_that_a_dead_worker_left_before_its_reference_goes_too() -> None:
    k = keep()
    ana = await morning(k)
    message, data = await message_of(k, "wamid.a1"), b"copied and not yet settled"
    sha256 = hashlib.sha256(data).hexdigest()
    await k.bucket.put(f"incoming/{message['message_id']}/2/file", data)
    await k.bucket.put(served_key(sha256), data)
    shared = hashlib.sha256(b"shared bytes").hexdigest()
    await k.bucket.put(f"incoming/{message['message_id']}/3/file", b"shared bytes")
    await k.through(await k.requests.ask(ana, "x", "agent-1"))
    assert data not in await stored(k)
    assert await k.bucket.head(served_key(shared)) is not None
