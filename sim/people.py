"""Who acts in a world: customers who write everything that exists, Meta, and somebody who sends rubbish."""

import asyncio
import json
from random import Random
from typing import Any

from sim.outside import ACCOUNT, Outside
from twin.core.payloads import BadSayError

# What customers send; texts weigh most, as they do in a newsroom.
SAYS = (
    *("text",) * 6,
    "image",
    "image",
    "voice",
    "document",
    "video",
    "sticker",
    "location",
    "contacts",
    "reaction",
    "edit",
    "revoke",
    "button",
    "list_reply",
    "unsupported",
    "user_changed_number",
    "user_changed_user_id",
    "huge",
)
ABOUT_ANOTHER = frozenset({"reaction", "edit", "revoke"})
HUGE = "ñ" * 40_000  # above 64 KiB sealed: the content becomes an object of its own
ACCOUNT_EVENTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("phone_number_quality_update", {"display_phone_number": ACCOUNT.display, "event": "FLAGGED", "current_limit": "TIER_1K"}),
    ("message_template_status_update", {"event": "REJECTED", "message_template_id": 1, "message_template_name": "aviso", "message_template_language": "es_MX", "reason": "INVALID_FORMAT"}),
    ("account_alerts", {"entity_type": "BUSINESS", "entity_id": "1", "alert_severity": "CRITICAL", "alert_status": "ACTIVE", "alert_type": "X", "alert_description": "d"}),
    ("something_new", {"any": "thing"}),
)  # fmt: skip


class Customers:
    """Writes `count` messages during `seconds`."""

    def __init__(self, outside: Outside, rng: Random) -> None:
        self._outside = outside
        self._rng = rng

    async def write(self, count: int, seconds: float) -> None:
        """Message after message, at random moments."""
        people = self._outside.customers
        for number in range(count):
            await asyncio.sleep(self._rng.expovariate(count / seconds))
            self._say(self._rng.choice(people), self._rng.choice(SAYS), number)

    async def burst(self, count: int, seconds: float) -> None:
        """One person writes many at once: a lane longer than one run of it may move."""
        await asyncio.sleep(self._rng.uniform(0, seconds))
        who = self._rng.choice(self._outside.customers)
        for number in range(count):
            self._outside.says(who, type="text", text=f"ráfaga {number}")

    def _say(self, who: str, kind: str, number: int) -> None:
        said = self._outside.wamids.get(who)
        say: dict[str, Any] = {"type": kind, "text": f"mensaje {number}"}
        if kind == "huge":
            say = {"type": "text", "text": HUGE}
        elif kind in ABOUT_ANOTHER or (said and self._rng.random() < 0.2):  # noqa: PLR2004 - every fifth quotes
            if not said:
                return
            say["target" if kind in ABOUT_ANOTHER else "reply_to"] = self._rng.choice(said)
        try:
            self._outside.says(who, **say)
        except BadSayError:
            self._outside.says(who, type="text", text=f"mensaje {number}")


async def meta(outside: Outside, rng: Random, seconds: float) -> None:
    """Meta tells the business about itself now and then."""
    for field, value in rng.sample(ACCOUNT_EVENTS, 2):
        await asyncio.sleep(rng.uniform(0, seconds / 2))
        outside.event(field, value)


async def rubbish(outside: Outside, rng: Random, seconds: float) -> None:
    """What no customer wrote: not JSON, a foreign account, one bad element beside a good one."""
    for body in rng.sample(_rubbish(), 2):
        await asyncio.sleep(rng.uniform(0, seconds / 2))
        outside.inject(body)


def _rubbish() -> list[str]:
    foreign = {"id": "999", "changes": [{"field": "account_alerts", "value": {}}]}
    bad = {"id": "x" * 10_000, "type": "text", "timestamp": "1", "from": "1", "text": {"body": "x"}}
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": ACCOUNT.pnid},
        "messages": [bad],
    }
    mixed = [{"field": "messages", "value": value}, {"field": "something_new", "value": {"a": 1}}]
    return [
        "this is not JSON",
        _envelope(foreign),
        _envelope({"id": ACCOUNT.waba_id, "changes": mixed}),
        json.dumps({"whatsAppWebhookEntry": '{"id": "1", "changes": [', "message_timestamp": "x"}),
    ]


def _envelope(entry: dict[str, Any]) -> str:
    return json.dumps(
        {"whatsAppWebhookEntry": json.dumps(entry), "message_timestamp": "2025-11-24T16:00:01.000000001Z"}
    )
