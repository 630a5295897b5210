"""Harm on the wires: invented and stolen messages, sends and deliveries of somebody else's. None can be undone."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from typing import Any

from local.plan import EUM_PHONE_NUMBER
from tests.faults.sabotage import Expected, Harm, Sabotage, Scene, Victim
from twin.audit.finding import pseudonym

_PATIENCE_S = 40.0


def _known(scene: Scene) -> set[str]:
    """The ids of all messages in the record."""
    pages = scene.dynamodb.get_paginator("scan").paginate(
        TableName=f"{scene.prefix}messages", ConsistentRead=True
    )
    return {item["message_id"]["S"] for page in pages for item in page["Items"] if "message_id" in item}


async def _new(scene: Scene, before: set[str]) -> str:
    """The one message that was recorded since. Raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            fresh = _known(scene) - before
            if fresh:
                return fresh.pop()
            await asyncio.sleep(0.2)


async def message_invented(scene: Scene) -> Harm:
    """Somebody who is not EUM Social publishes a message that no customer wrote."""
    victim, before = scene.take(), _known(scene)
    envelope = json.loads(scene.envelope(victim))
    other = "wamid." + base64.b64encode(uuid.uuid4().bytes).decode()
    envelope["whatsAppWebhookEntry"] = envelope["whatsAppWebhookEntry"].replace(victim.wamid, other)
    topic = scene.sns.create_topic(Name=f"{scene.prefix}whatsapp-events")["TopicArn"]
    scene.sns.publish(TopicArn=topic, Message=json.dumps(envelope))
    yield (Expected(5, "wrong", await _new(scene, before)),)


async def envelope_stolen(scene: Scene) -> Harm:
    """An envelope is taken out of the queue before ingest sees it."""
    system, room = scene.room.system, scene.room
    await system.stop_part("ingest")
    wamid = await room.write(room.people[0], type="text", text="Esto se lo lleva alguien")
    await room.settled()
    body = next(r["body"] for r in await room.history() if r["kind"] == "published" and r["wamid"] == wamid)
    _stolen(scene, "ingest", body)
    await system.restart("ingest")
    digest = hashlib.sha256(body.encode()).hexdigest()[:12]
    yield Expected(1, "lost", digest), Expected(2, "lost", pseudonym(wamid))


def _stolen(scene: Scene, queue: str, words: str) -> None:
    """Raises RuntimeError where there was nothing to steal."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if scene.steal(queue, words):
            return
    raise RuntimeError(f"{queue}: nothing to steal")


async def _poke_stolen(scene: Scene, part: str, queue: str, person: str) -> str:
    """Take the event of a new message from one consumer; the message's id."""
    system, room, before = scene.room.system, scene.room, _known(scene)
    await system.stop_part(part)
    await room.write(person, type="text", text="De esto no se entera alguien")
    message_id = await _new(scene, before)
    _stolen(scene, queue, message_id)
    await system.restart(part)
    return message_id


async def forwarder_not_told(scene: Scene) -> Harm:
    """The event of a message is taken from the forwarder."""
    message_id = await _poke_stolen(scene, "forwarder", "forwarder", scene.room.people[1])
    yield (Expected(4, "lost", message_id),)


async def indexer_not_told(scene: Scene) -> Harm:
    """The event of a message is taken from the indexer."""
    message_id = await _poke_stolen(scene, "indexer", "search", scene.room.people[2])
    yield (Expected(3, "lost", message_id),)


def _send(scene: Scene, asked: dict[str, Any]) -> None:
    scene.eum.send_whatsapp_message(
        originationPhoneNumberId=EUM_PHONE_NUMBER,
        metaApiVersion="v23.0",
        message=json.dumps(asked).encode(),
    )


async def send_repeated(scene: Scene) -> Harm:
    """An attempt is sent a second time."""
    victim = scene.take("out")
    _send(scene, scene.call(victim))
    yield (Expected(12, "duplicated", f"{victim.message_id}.1"),)


async def send_to_somebody_else(scene: Scene) -> Harm:
    """A reply goes to a person of another thread."""
    victim = scene.take("out")
    asked = scene.call(victim)
    address = {name: value for name, value in asked.items() if name not in {"to", "recipient"}}
    stranger = next(p for p in scene.room.people if _number(scene, p) and p not in str(asked))
    _send(scene, address | {"to": stranger})
    yield (Expected(12, "wrong", f"{victim.message_id}.1"),)


def _number(scene: Scene, person: str) -> bool:
    """Whether a person's number is known and their window open."""
    return any(row["wa_id"] == person for row in scene.of("written"))


async def send_with_other_words(scene: Scene) -> Harm:
    """A customer is shown other words than the agent's."""
    victim = scene.take("out")
    _send(scene, scene.call(victim) | {"text": {"body": "otra cosa"}})
    yield (Expected(12, "wrong", f"{victim.message_id}.1"),)


def _attempt() -> str:
    """An attempt id of nobody's."""
    letters = base64.b32encode(uuid.uuid4().bytes).decode().lower()[:26]
    return f"o_{letters}.1"


async def send_nobody_asked_for(scene: Scene) -> Harm:
    """A customer is shown a message that is not in the record."""
    attempt = _attempt()
    _send(scene, scene.call(scene.take("out")) | {"biz_opaque_callback_data": attempt})
    yield (Expected(5, "wrong", attempt),)


async def send_outside_the_window(scene: Scene) -> Harm:
    """A free-form message goes to somebody who never wrote."""
    person, attempt = f"52155{uuid.uuid4().int % 10**8:08d}", _attempt()
    await scene.room.twin("customers", id=person, wa_id=person)
    text = {"type": "text", "text": {"body": "Buenas"}, "biz_opaque_callback_data": attempt}
    _send(scene, {"messaging_product": "whatsapp", "to": person} | text)
    yield (Expected(9, "wrong", attempt),)


async def two_sends_at_once(scene: Scene) -> Harm:
    """Two calls to one customer are in flight at the same time."""
    asked, attempts = scene.call(scene.take("out")), (_attempt(), _attempt())
    await scene.room.twin("faults", kind="timeout_after", rate=1, min_ms=3000, max_ms=3000)
    await scene.room.twin("faults", kind="late_status", rate=1, min_ms=5000, max_ms=5000)
    first = asyncio.create_task(
        asyncio.to_thread(_send, scene, asked | {"biz_opaque_callback_data": attempts[0]})
    )
    await asyncio.sleep(1)
    await asyncio.to_thread(_send, scene, asked | {"biz_opaque_callback_data": attempts[1]})
    await first
    await scene.room.calm()
    yield (Expected(8, "wrong", attempts[1]),)


async def reply_overtaken(scene: Scene) -> Harm:
    """An older reply's first attempt leaves after a younger reply."""
    older, _ = scene.take_pair("out")
    _send(scene, scene.call(older))
    yield (Expected(10, "out of order", older.message_id),)


async def _deliver(scene: Scene, place: str, webhook_id: str, body: dict[str, Any]) -> None:
    """A signed delivery of our own (Standard Webhooks, "Signature scheme")."""
    raw, at = json.dumps(body).encode(), str(int(time.time()))
    key = base64.b64decode(scene.room.secrets[place].removeprefix("whsec_"))
    mac = hmac.new(key, f"{webhook_id}.{at}.".encode() + raw, hashlib.sha256).digest()
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": at,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        "Content-Type": "application/json",
    }
    url = f"{scene.room.system.urls['twin']}/hooks/{place}"
    async with scene.room.http.post(url, data=raw, headers=headers) as answer:
        answer.raise_for_status()


def _plain(scene: Scene) -> Victim:
    """A text that no keyword route takes."""
    while True:
        victim = scene.take()
        text = victim.shown["whatsapp"]["text"]["body"].casefold()
        if "sismo" not in text and "incendio" not in text:
            return victim


async def delivery_misrouted(scene: Scene) -> Harm:
    """A destination gets a message that no route sends it."""
    victim = _plain(scene)
    webhook_id, body = scene.delivery(victim)
    await _deliver(scene, "alertas", webhook_id.replace("todo", "alertas"), body)
    yield (Expected(4, "wrong", victim.message_id),)


async def delivery_kept_twice(scene: Scene) -> Harm:
    """A receiver that forgets keeps one delivery twice."""
    webhook_id, body = scene.delivery(scene.take())
    await scene.room.twin("destinations", name="todo", mode="forgets")
    await _deliver(scene, "todo", webhook_id, body)
    await scene.room.twin("destinations", name="todo", mode="ok")
    yield (Expected(13, "duplicated", pseudonym(webhook_id)),)


async def delivery_under_another_id(scene: Scene) -> Harm:
    """A message is delivered a second time under another id."""
    victim = scene.take()
    _, body = scene.delivery(victim)
    await _deliver(scene, "todo", uuid.uuid4().hex, body)
    yield (Expected(13, "duplicated", victim.message_id),)


async def delivery_overtaken(scene: Scene) -> Harm:
    """An older message comes to a destination behind a younger one."""
    older, _ = scene.take_pair()
    _, body = scene.delivery(older)
    await _deliver(scene, "todo", uuid.uuid4().hex, body)
    yield (Expected(10, "out of order", older.message_id),)


async def delivery_invented(scene: Scene) -> Harm:
    """A destination gets a message that is not in the record."""
    _, body = scene.delivery(scene.take())
    body["data"]["message_id"] = invented = f"i_{uuid.uuid4().hex[:26]}"
    await _deliver(scene, "todo", uuid.uuid4().hex, body)
    yield (Expected(4, "wrong", invented),)


async def delivery_with_other_words(scene: Scene) -> Harm:
    """A destination gets other words than the person's."""
    victim = scene.take()
    _, body = scene.delivery(victim)
    body["data"]["text"] = "otra cosa"
    await _deliver(scene, "todo", uuid.uuid4().hex, body)
    yield (Expected(4, "lost", victim.message_id),)


async def delivery_with_a_foreign_file(scene: Scene) -> Harm:
    """A destination gets the hash of a file that is not the message's."""
    victim = scene.take("image")
    _, body = scene.delivery(victim)
    body["data"]["media"][0]["sha256"] = hashlib.sha256(b"otro").hexdigest()
    await _deliver(scene, "todo", uuid.uuid4().hex, body)
    yield (Expected(4, "wrong", victim.message_id),)


LASTING: tuple[Sabotage, ...] = (
    delivery_misrouted,
    delivery_kept_twice,
    delivery_under_another_id,
    delivery_overtaken,
    delivery_invented,
    delivery_with_other_words,
    delivery_with_a_foreign_file,
    send_repeated,
    send_to_somebody_else,
    send_with_other_words,
    send_nobody_asked_for,
    send_outside_the_window,
    two_sends_at_once,
    reply_overtaken,
    message_invented,
)
# These stop a worker for a moment.
STEALING: tuple[Sabotage, ...] = (envelope_stolen, forwarder_not_told, indexer_not_told)
