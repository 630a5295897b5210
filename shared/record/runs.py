"""What an import run leaves in the exports bucket for others than itself: whom it knows by a printed name alone.

`imports/<run>/state.json` is the run's journal (ops/imports/journal.py). Of it `named` is read here: contact_id ->
chat -> how many messages of theirs the chat has. Ids and counts; no name, number or text.
"""

from collections.abc import Mapping

from shared.objects.port import ObjectMissingError, Objects
from shared.record.codec import loads

RUN = r"^m[0-9a-f]{15}$"


def state_key(run: str) -> str:
    """Where a run's journal lies in the exports bucket."""
    return f"imports/{run}/state.json"


async def named(exports: Objects, run: str) -> Mapping[str, int] | None:
    """contact_id -> messages of theirs, of those the run had no number for; None where there is no such run."""
    try:
        journal = loads(await exports.get(state_key(run)))
    except ObjectMissingError:
        return None
    return {contact_id: sum(chats.values()) for contact_id, chats in journal.get("named", {}).items()}
