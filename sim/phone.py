"""The newsroom's own phone: what is sent from it comes back as echoes, and its statuses name no attempt of ours.

Shape of an echo: developers.facebook.com/docs/whatsapp/embedded-signup/custom-flows/onboarding-business-app-users
(webhook `smb_message_echoes`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

from sim.outside import ACCOUNT, Outside, now_ns
from twin.core import events

ECHOES = 3
TRIES = 60  # of an erasure: the status may still be under way
SPREAD_S = 4.0  # an echo and its statuses overtake one another
STATUSES = ("sent", "delivered", "read")
STRANGER = "5215550009999"  # nobody of the twin's


async def own_phone(outside: Outside, rng: Random, seconds: float) -> None:
    """Messages from the phone, the first to somebody who never writes; each with statuses, one of them twice."""
    silent = outside.newcomer()
    for number in range(ECHOES):
        await asyncio.sleep(rng.uniform(0, seconds / ECHOES))
        who = rng.choice(outside.customers) if number else silent
        customer = outside.driver.world.customers[who]
        wamid = f"wamid.phone.{number}"
        late = [(status(wamid, customer.wa_id, name), name) for name in STATUSES]
        late.append((status(wamid, customer.wa_id, STATUSES[0], again=True), STATUSES[0]))
        late.append((echo(wamid, customer.wa_id, f"desde el teléfono {number}"), ""))
        for body, name in late:
            outside.phone(body, rng.uniform(0, SPREAD_S), wamid, name)


async def stranger(outside: Outside, rng: Random, erase: Callable[[str], Awaitable[bool]]) -> None:
    """A status names a number that nobody knows; whoever that is is erased, then the message comes."""
    customer = outside.driver.world.customers[rng.choice(outside.customers)]
    for number in range(ECHOES):
        wamid = f"wamid.stranger.{number}"
        who = f"{STRANGER}{number}"
        outside.inject(status(wamid, who, STATUSES[0]))
        for _ in range(TRIES):
            if await erase(who):
                break
            await asyncio.sleep(1)
        outside.inject(echo(wamid, customer.wa_id, f"a quien ya no está {number}"))


def echo(wamid: str, to: str, text: str) -> str:
    """The envelope of what our phone sent."""
    said = {"from": ACCOUNT.display, "to": to, "id": wamid, "timestamp": _second(), "type": "text"}
    value = events.value(ACCOUNT, message_echoes=[{**said, "text": {"body": text}}])
    return _envelope("smb_message_echoes", value)


def status(wamid: str, to: str, name: str, *, again: bool = False) -> str:
    """The envelope of a status; `again` = the same one in another envelope."""
    body = {"id": wamid, "status": name, "timestamp": _second(), "recipient_id": to}
    return _envelope("messages", events.value(ACCOUNT, statuses=[body]), message_id="again" if again else "")


def _envelope(field: str, value: dict[str, Any], message_id: str = "") -> str:
    return events.envelope(ACCOUNT, events.entry(ACCOUNT, [(field, value)]), now_ns(), message_id=message_id)


def _second() -> str:
    return str(now_ns() // 1_000_000_000)
