"""What the tests of the twin's world share: when it is, what is said and sent, and what leaves because of it."""

import json
from typing import Any

from twin.core.model import Firing, Step
from twin.core.world import World

SECOND, MS = 1_000_000_000, 1_000_000

NOW = 1_795_000_000 * SECOND

TARGETED = {"reaction", "edit", "revoke"}


def saying(kind: str) -> dict[str, Any]:
    return {"type": kind} | ({"target": "wamid.AAAA"} if kind in TARGETED else {})


def text_to(to: str, words: str = "va", attempt: str = "o_x.1") -> bytes:
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": words}}
    return json.dumps(body | {"biz_opaque_callback_data": attempt}).encode()


def fired_until(world: World, start: int, seconds: int = 60) -> list[Firing]:
    """Everything that leaves until `seconds` later, each at its own time."""
    fired: list[Firing] = []
    while (due := world.next_at()) is not None and due <= start + seconds * SECOND:
        fired += world.fire(due)
    return fired


def values_of(fired: list[Firing]) -> list[dict[str, Any]]:
    envelopes = [json.loads(f.body) for f in fired if f.channel == "entry"]
    return [c["value"] for e in envelopes for c in json.loads(e["whatsAppWebhookEntry"])["changes"]]


def statuses_of(fired: list[Firing]) -> list[str]:
    return [s["status"] for v in values_of(fired) for s in v.get("statuses", [])]


def send(world: World, blob: bytes, now: int = NOW) -> Step:
    return world.send(world.account.eum_phone_id, blob, now)
