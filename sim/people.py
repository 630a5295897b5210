"""Who acts in a world: customers who write everything that exists, Meta, and somebody who sends rubbish."""

import asyncio
import json
from random import Random
from typing import Any

from sim.outside import ACCOUNT, Outside
from sim.phone import echo
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
RELATED = 12
SAME = 4
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

    async def burst(self, count: int) -> None:
        """One person writes many at once: a lane longer than one run of it may move."""
        who = self._outside.newcomer()
        for number in range(count):
            self._outside.says(who, type="text", text=f"ráfaga {number}")

    async def huge(self, seconds: float) -> None:
        """A text above what the record holds in an item."""
        await asyncio.sleep(self._rng.uniform(0, seconds))
        self._outside.says(self._rng.choice(self._outside.customers), type="text", text=HUGE)

    async def picture(self, after_s: float) -> None:
        """A picture at a given time."""
        await asyncio.sleep(after_s)
        self._outside.says(self._rng.choice(self._outside.customers), type="image")

    async def same_picture(self, seconds: float) -> None:
        """One picture, sent on by several people."""
        data = b"\xff\xd8\xff" + self._rng.randbytes(64)
        for _ in range(SAME):
            await asyncio.sleep(self._rng.uniform(0, seconds / SAME))
            who = self._rng.choice(self._outside.customers)
            self._outside.says(who, type="image", mime="image/jpeg", data=data)

    async def related(self, seconds: float) -> None:
        """Reactions, edits and revokes: right behind what they speak about, which they may so overtake."""
        for number in range(RELATED):
            await asyncio.sleep(self._rng.uniform(0, seconds / RELATED))
            who = self._rng.choice(self._outside.customers)
            said = self._outside.says(who, type="text", text=f"original {number}")
            for kind in self._rng.sample(sorted(ABOUT_ANOTHER), 2):
                self._outside.says(who, type=kind, target=said)

    async def one_person_twice(self, seconds: float) -> None:
        """Known by number from what our phone wrote, by user id from what they wrote; then by both."""
        who = self._outside.customers[-1]
        self._outside.hide(who, hidden=True)
        self._outside.says(who, type="text", text="sin número")
        self._outside.inject(echo("wamid.twice", self._outside.driver.world.customers[who].wa_id, "hola"))
        await asyncio.sleep(self._rng.uniform(seconds / 2, seconds))
        self._outside.hide(who, hidden=False)
        for number in range(3):
            self._outside.says(who, type="text", text=f"con número {number}")
            await asyncio.sleep(self._rng.uniform(0, 5))

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


async def rubbish(outside: Outside, rng: Random, seconds: float, *, everything: bool) -> None:
    """What no customer wrote: not JSON, a foreign account, one bad element beside a good one."""
    found = _rubbish()
    for body in rng.sample(found, len(found) if everything else 2):
        await asyncio.sleep(rng.uniform(0, seconds / 4 if everything else seconds / 2))
        outside.rubbish(body)


def _rubbish() -> list[str]:
    foreign = {"id": "999", "changes": [{"field": "account_alerts", "value": {}}]}
    beside = {"field": "something_new", "value": {"a": 1}}
    return [
        "this is not JSON",
        _envelope(foreign),
        mixed([bad("1")], beside),
        json.dumps({"whatsAppWebhookEntry": '{"id": "1", "changes": [', "message_timestamp": "x"}),
    ]


def bad(sender: str) -> dict[str, Any]:
    """A message that cannot be kept."""
    return {"id": "x" * 10_000, "type": "text", "timestamp": "1", "from": sender, "text": {"body": "x"}}


def mixed(messages: list[dict[str, Any]], *beside: dict[str, Any]) -> str:
    """The envelope of some messages and of changes beside them."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"phone_number_id": ACCOUNT.pnid},
        "messages": messages,
    }
    return _envelope({"id": ACCOUNT.waba_id, "changes": [{"field": "messages", "value": value}, *beside]})


def _envelope(entry: dict[str, Any]) -> str:
    return json.dumps(
        {"whatsAppWebhookEntry": json.dumps(entry), "message_timestamp": "2025-11-24T16:00:01.000000001Z"}
    )
