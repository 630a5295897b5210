"""The journals of imports (ops/imports/journal.py): whom a run met first, by name alone, and its threads.

Taking a run back forgets whom it met and shows its threads anew; of whoever is erased it must do neither, and nobody
shall be asked any more who they are.
"""

from collections.abc import Mapping
from typing import Any

from shared.objects.port import ObjectMissingError, Objects
from shared.record.codec import dumps, loads
from shared.record.erasure import Outcome
from shared.record.ledger import Subject

RUNS = "imports/"
STATE = "/state.json"


class RunsEraser:
    """Takes the person out of every run's journal; hashes and ids is all it ever held of them.

    Args:
        exports: the exports bucket.
    """

    place = "imports"

    def __init__(self, exports: Objects) -> None:
        self._exports = exports

    async def erase(self, subject: Subject) -> Outcome:
        """One count a run."""
        count = 0
        async for info in self._exports.list(RUNS):
            if info.key.endswith(STATE):
                count += await self._run(info.key, subject)
        return Outcome(count, note="Los archivos exportados que alguien guarde fuera de aquí no se alcanzan.")

    async def _run(self, key: str, subject: Subject) -> bool:
        try:
            journal: dict[str, Any] = loads(await self._exports.get(key))
        except ObjectMissingError:
            return False
        clean = without(journal, subject)
        if clean == journal:
            return False
        await self._exports.put(key, dumps(clean), content_type="application/json")
        return True


def without(journal: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """A run's journal without the person; pure."""
    aliases, threads = frozenset(subject.aliases), frozenset(subject.conversation_ids)
    named = {
        each: chats for each, chats in journal.get("named", {}).items() if each not in subject.contact_ids
    }
    return {
        **journal,
        **({"named": named} if "named" in journal else {}),
        "met": [each for each in journal["met"] if aliases.isdisjoint(each)],
        "conversations": [each for each in journal["conversations"] if each not in threads],
    }
