"""Files as people see them: where they are and why in plain Spanish, signed copies, what is known, and to whom."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.media import PROTECTED_URL_S, URL_S, outcome, phase
from shared.media.origin import like_sk
from shared.media.outcomes import OUTCOMES
from shared.media.reading import KIND, reading_sk
from shared.record.files import reference_sk
from shared.store.port import Item, Put, Update
from tests.unit.desk.test_desk_conversations import get, protect
from tests.unit.desk.test_desk_replies import opened, say
from tests.unit.desk.world import World, key
from tests.unit.record.world import NOON_MS, person, status, text

SHA, NEAR = "ab" * 32, "cd" * 32
RENDITIONS = ["clean.jpg", "photo.jpg", "thumb.webp"]


async def with_medium(w: World, number: str = "1", **medium: Any) -> Item:
    kept = await w.keep(text(f"wamid.{number}", "mira", who=person("52155123456" + number.zfill(2))))
    item = await w.item(kept.item_id)
    said = {"n": 0, "mime": "image/jpeg", "state": "pending", **medium}
    await w.store.write(Update("messages", item["pk"], item["sk"], set={"media": [said]}, add={"rev": 1}))
    if "sha256" in medium:
        reference = {
            "pk": medium["sha256"],
            "sk": reference_sk(kept.item_id, 0),
            "conversation_id": item["pk"],
            "order_key": item["sk"],
            "contact_id": item["contact_id"],
            "at": NOON_MS + int(number),
        }
        await w.store.write(Put("media", reference))
    return await w.item(kept.item_id)


async def shown(w: World, item: Item, role: str = "agent") -> Any:
    (medium,) = (await get(w, f"/v1/messages/{item['message_id']}", role))["media"]
    return medium


@pytest.mark.parametrize(
    ("medium", "where", "helps", "word"),
    [
        ({"state": "pending"}, "fetching", "machine", "recibiendo"),
        ({"state": "pending", "reason": "throttled"}, "waiting", "machine", "más despacio"),
        ({"state": "failed", "reason": "expired"}, "expired", "sender", "30 días"),
        ({"state": "failed", "reason": "denied"}, "failed", "person", "sistemas"),
        ({"state": "failed", "reason": "erased"}, "erased", "never", "petición"),
        ({"state": "failed", "reason": "from-tomorrow"}, "failed", "person", "No se pudo"),
        ({"state": "quarantined", "reason": "infected", "sha256": SHA}, "quarantined", "never", "antivirus"),
        ({"state": "ready", "reason": "damaged", "sha256": SHA}, "ready", "sender", "dañado"),
    ],
)
async def test_each_state_is_explained_with_what_helps(
    medium: Any, where: str, helps: str, word: str
) -> None:
    w = World()
    seen = await shown(w, await with_medium(w, **medium))
    assert (seen["phase"], seen["explained"]["helps"]) == (where, helps)
    assert word in seen["explained"]["text"]
    assert (seen["url"] is not None) is (medium["state"] == "ready")


@given(
    st.sampled_from(["pending", "ready", "failed", "quarantined"]), st.sampled_from([None, *sorted(OUTCOMES)])
)
def test_no_state_stays_unexplained_but_a_file_that_is_simply_there(state: str, reason: str | None) -> None:
    told = outcome(state, reason)
    assert phase(state, reason)
    assert (told is None) is (state == "ready" and not reason)
    assert told is None or told.text.endswith(".")


async def test_what_waits_for_a_budget_says_so_until_the_next_day() -> None:
    w = World()
    item = await with_medium(w)
    assert (await shown(w, item))["phase"] == "fetching"
    budget = {"pk": f"BUDGET#media_bytes#{item['contact_id']}", "sk": "-", "rev": 1}
    await w.store.write(Put("policy", {**budget, "since_ms": NOON_MS, "used": 9, "told": True}))
    held = await shown(w, item)
    assert held["phase"] == "held"
    assert "presupuesto" in held["explained"]["text"]
    w.base.clock.ms += 24 * 3600 * 1000
    assert (await shown(w, item))["phase"] == "fetching"


async def test_copies_are_signed_for_minutes_and_of_the_protected_for_one() -> None:
    w = World()
    item = await with_medium(w, state="ready", sha256=SHA, size=5, renditions=RENDITIONS)
    seen = await shown(w, item)
    assert [each["name"] for each in seen["renditions"]] == RENDITIONS
    urls = [seen["url"], *(each["url"] for each in seen["renditions"])]
    assert {parse_qs(urlsplit(url).query)["ttl"][0] for url in urls} == {str(URL_S)}
    assert urlsplit(seen["renditions"][2]["url"]).path == f"/served/ab/{SHA}/r/thumb.webp"
    await protect(w, item["message_id"])
    seen = await shown(w, item, "admin")
    urls = [seen["url"], *(each["url"] for each in seen["renditions"])]
    assert {parse_qs(urlsplit(url).query)["ttl"][0] for url in urls} == {str(PROTECTED_URL_S)}
    assert PROTECTED_URL_S <= 60
    assert seen["url_seconds"] == PROTECTED_URL_S


async def test_who_may_not_see_a_message_learns_of_its_file_that_it_is_one() -> None:
    w = World()
    item = await with_medium(w, state="ready", sha256=SHA, size=5, renditions=RENDITIONS)
    await reading(w, item, {"text": "PLACA ABC-123", "card": {"camera": "X100"}})
    await protect(w, item["message_id"])
    for path in (f"/v1/messages/{item['message_id']}", f"/v1/conversations/{item['pk']}/messages"):
        answer = await get(w, path)
        (seen,) = answer["media"] if "media" in answer else answer["messages"][0]["media"]
        told = {name: value for name, value in seen.items() if value not in (None, [], {})}
        assert told == {"n": 0, "mime": "image/jpeg", "state": "ready", "phase": "ready"}


async def reading(w: World, item: Item, said: Any) -> None:
    sk = reading_sk(item["sk"], 0)
    sealed = await w.record.sealing.fields(item["key_id"], said, "messages", item["pk"], sk)
    await w.store.write(
        Put(
            "messages", {"pk": item["pk"], "sk": sk, "kind": KIND, "n": 0, "key_id": item["key_id"], **sealed}
        )
    )


async def test_text_transcript_and_the_card_of_the_metadata_are_shown() -> None:
    w = World()
    item = await with_medium(w, state="ready", sha256=SHA)
    card = {"latitude": 19.43, "longitude": -99.13, "camera": "Pixel", "taken_at": "2026:11:24 08:00:00"}
    await reading(
        w,
        item,
        {
            "text": "CERRADO",
            "transcript": {"text": "ya vamos", "confidence": 91, "words": [[0, "ya"]]},
            "card": card,
        },
    )
    for seen in (
        await shown(w, item),
        (await get(w, f"/v1/conversations/{item['pk']}/messages"))["messages"][0]["media"][0],
    ):
        assert (seen["text"], seen["card"]) == ("CERRADO", card)
        assert seen["transcript"] == {"text": "ya vamos", "confidence": 91}


async def test_first_seen_sources_and_near_copies_are_counted() -> None:
    w = World()
    first = await with_medium(w, "1", state="ready", sha256=SHA)
    await with_medium(w, "2", state="ready", sha256=SHA)
    third = await with_medium(w, "3", state="ready", sha256=NEAR)
    hashes = {"index": ["00000000000000ff"], "query": []}
    await w.store.write(Put("media", {"pk": SHA, "sk": "-", "hashes": hashes}))
    await w.store.write(Put("media", {"pk": NEAR, "sk": "-", "like": SHA}))
    await w.store.write(Put("media", {"pk": SHA, "sk": like_sk(NEAR), "at": 1}))
    await w.store.write(Put("media", {"pk": SHA, "sk": reference_sk("u_" + "a" * 26, 0), "at": 1}))
    ours = {
        "pk": SHA,
        "sk": reference_sk("o_" + "a" * 26, 0),
        "conversation_id": "c",
        "contact_id": "p",
        "at": 2,
    }
    await w.store.write(Put("media", ours))
    seen = await shown(w, third)
    assert seen["origin"] == {
        "first_seen": "2027-01-15T08:00:00.001Z",
        "first_message_id": first["message_id"],
        "sources": 3,
        "messages": 4,
        "variants": 2,
    }
    assert seen["perceptual_hashes"] == []
    assert (await shown(w, first))["perceptual_hashes"] == ["00000000000000ff"]


async def test_that_a_protected_person_sent_it_too_is_told_to_nobody_else() -> None:
    w = World()
    guarded = await with_medium(w, "1", state="ready", sha256=SHA)
    open_one = await with_medium(w, "2", state="ready", sha256=SHA)
    await protect(w, guarded["message_id"])
    seen = (await shown(w, open_one))["origin"]
    assert (seen["sources"], seen["messages"], seen["first_message_id"]) == (1, 1, open_one["message_id"])
    seen = (await shown(w, open_one, "admin"))["origin"]
    assert (seen["sources"], seen["messages"], seen["first_message_id"]) == (2, 2, guarded["message_id"])


async def test_a_status_shows_whom_it_names_in_the_detail_only() -> None:
    w = World()
    cid, _ = await opened(w)
    (accepted,) = (await say(w, cid, {"type": "text", "text": "hola"}))["messages"]
    contacts = [{"wa_id": "5215512345678", "user_id": "MX.1", "profile": {"name": "Ana"}}]
    report = status("delivered", wamid="wamid.out", attempt=f"{accepted['message_id']}.1")
    value = {**report.content["value"], "contacts": contacts}
    report = replace(report, content={"value": value})
    await w.base.record.statuses.keep(report)
    (seen,) = (await get(w, f"/v1/messages/{accepted['message_id']}"))["statuses"]
    assert seen["contacts"] == contacts
    page = (await get(w, f"/v1/conversations/{cid}/messages"))["messages"]
    (seen,) = next(each for each in page if each["message_id"] == accepted["message_id"])["statuses"]
    assert seen["contacts"] is None
    await protect(w, accepted["message_id"])
    (seen,) = (await get(w, f"/v1/messages/{accepted['message_id']}"))["statuses"]
    assert seen["contacts"] is None


async def asked(w: World, item: Item, role: str, code: int) -> Any:
    async with w.client(role) as client:
        path = f"/v1/messages/{item['message_id']}/media/0/transcript"
        answer = await client.post(path, headers=key())
    assert answer.status_code == code, answer.text
    return answer.json()


async def owed_transcripts(w: World) -> list[Item]:
    return [each for each in (await w.store.query("due", "media")).items if each["kind"] == "transcribe"]


async def test_a_transcript_is_asked_for_and_owed() -> None:
    w = World()
    item = await with_medium(
        w, state="ready", sha256=SHA, mime="audio/ogg; codecs=opus", transcript="waiting"
    )
    assert (await asked(w, item, "agent", 202))["transcription"] == "waiting"
    (owed,) = await owed_transcripts(w)
    assert (owed["message_id"], owed["position"], owed["asked"]) == (item["message_id"], 0, True)


@pytest.mark.parametrize(
    "medium",
    [{"state": "pending", "mime": "audio/ogg"}, {"state": "ready", "mime": "image/jpeg", "sha256": SHA}],
)
async def test_what_has_no_sound_is_not_transcribed(medium: Any) -> None:
    w = World()
    problem = await asked(w, await with_medium(w, **medium), "agent", 409)
    assert (problem["type"], problem["field"]) == ("/problems/not-transcribable", "n")
    assert await owed_transcripts(w) == []


async def test_of_the_protected_only_who_may_read_them_asks_and_it_is_audited() -> None:
    w = World()
    item = await with_medium(w, state="ready", sha256=SHA, mime="audio/ogg")
    await protect(w, item["message_id"])
    await asked(w, item, "agent", 403)
    assert await owed_transcripts(w) == []
    await asked(w, item, "admin", 202)
    assert len(await owed_transcripts(w)) == 1
    assert [each["action"] for each in await w.audited()] == ["protected.transcribed"]


async def test_a_file_of_ours_is_explained_as_ours() -> None:
    w = World()
    item = await with_medium(w, state="quarantined", reason="infected", upload_id="u_" + "a" * 26)
    assert "no se manda" in (await shown(w, item))["explained"]["text"]
