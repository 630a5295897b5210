"""Amazon Connect in a world: an agent's chat and the life of its contacts, as its two streams tell them.

Shapes: Amazon Connect administrator guide, "Enable real-time chat message streaming" and "Contact events".
"""

import asyncio
import json
from datetime import UTC, datetime
from random import Random
from typing import Any

from shared.store.port import Put
from sim.outside import Outside, now_ns
from sim.servers import Servers

INSTANCE = "11111111-2222-4333-8444-555555555555"
OURS = "c0ffee00-0000-4000-8000-000000000001"
THEIRS = "c0ffee00-0000-4000-8000-000000000002"
TYPES = ("message", "typing", "note")


async def chats(outside: Outside, servers: Servers, rng: Random, seconds: float) -> None:
    """Two Connect contacts: one is a chat the forwarder opened for a thread, one is somebody else's."""
    ours = await _opened(servers, seconds / 4)
    for number in range(3 * len(TYPES)):
        await asyncio.sleep(rng.uniform(0, seconds / 2 / len(TYPES) / 3))
        contact = OURS if ours and number % 2 else THEIRS
        for body in (item(contact, TYPES[number % len(TYPES)], number), event(contact, number)):
            for _ in range(rng.choice((1, 1, 2))):
                outside.connect(body)


async def _opened(servers: Servers, seconds: float) -> bool:
    """The forwarder opens a chat for the first thread there is."""
    await asyncio.sleep(seconds)
    async for thread in servers.store.scan("conversations"):
        chat = {"pk": thread["pk"], "sk": "chat", "connect_contact_id": OURS, "instance": INSTANCE}
        await servers.store.write(Put("chats", chat))
        return True
    return False


def item(contact: str, kind: str, number: int, text: str = "") -> str:
    """A chat item as its stream tells it."""
    body = {
        "AbsoluteTime": _instant(),
        "ContentType": "application/vnd.amazonaws.connect.event.typing" if kind == "typing" else "text/plain",
        "Id": f"item-{number}",
        "Type": "EVENT" if kind == "typing" else "MESSAGE",
        "ParticipantId": "agent-1",
        "DisplayName": "Ana",
        "ParticipantRole": "AGENT",
        "InitialContactId": contact,
        "ContactId": contact,
    }
    return json.dumps(body | ({} if kind == "typing" else {"Content": text or f"desde el CCP {number}"}))


def event(contact: str, number: int) -> str:
    """An event of a contact's life."""
    detail = {"eventType": "CONNECTED_TO_AGENT", "contactId": contact, "channel": "CHAT"}
    detail["instanceArn"] = f"arn:aws:connect:us-east-1:000000000000:instance/{INSTANCE}"
    head: dict[str, Any] = {"version": "0", "id": f"event-{contact[-1]}-{number}", "source": "aws.connect"}
    head |= {"detail-type": "Amazon Connect Contact Event", "time": _instant(), "detail": detail}
    return json.dumps(head)


def _instant() -> str:
    return datetime.fromtimestamp(now_ns() / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
