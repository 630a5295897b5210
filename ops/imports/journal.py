"""What a run leaves in `imports/<run>/` of the exports bucket: how far it came, and every id it may have written.

Ids are put down before the messages are written, so that an undo knows all of them whatever stopped the run.
No name, number or text: hashes and counts.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from shared.objects.port import ObjectMissingError, Objects
from shared.record.runs import state_key

State = Literal["running", "done", "undone"]
CHUNK = 1024 * 1024


@dataclass(slots=True)
class Progress:
    """How far a run came.

    Attributes:
        done: chat -> messages of it that are written and told.
        conversations: those it wrote into.
        named: contact_id -> chat -> messages of theirs, of those whose number nobody told (shared/record/runs.py).
        met: people the record did not know before, as HMACs of their aliases.
        counts: outcomes by name.
    """

    run: str
    state: State = "running"
    done: dict[str, int] = field(default_factory=dict)
    conversations: list[str] = field(default_factory=list)
    met: list[list[str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    named: dict[str, dict[str, int]] = field(default_factory=dict)


class Journal:
    """The journal of one run."""

    def __init__(self, exports: Objects, run: str) -> None:
        self._exports = exports
        self._prefix = f"imports/{run}/"
        self._run = run

    async def read(self) -> Progress | None:
        """How far the run came; None where there is no such run."""
        try:
            found: dict[str, Any] = orjson.loads(await self._exports.get(state_key(self._run)))
        except ObjectMissingError:
            return None
        return Progress(**found)

    async def write(self, progress: Progress) -> None:
        """Put it down."""
        await self._exports.put(
            state_key(self._run), orjson.dumps(asdict(progress)), content_type="application/json"
        )

    async def intend(self, chat: str, first: int, message_ids: Sequence[str]) -> None:
        """Put down what will be written next."""
        key = f"{self._prefix}ids/{chat}/{first:08d}.json"
        await self._exports.put(key, orjson.dumps(list(message_ids)), content_type="application/json")

    async def intended(self) -> AsyncIterator[list[str]]:
        """All ids, some at a time."""
        async for info in self._exports.list(f"{self._prefix}ids/"):
            found: list[str] = orjson.loads(await self._exports.get(info.key))
            yield found

    async def forget(self) -> None:
        """Drop the ids, once none of them is left."""
        async for info in self._exports.list(f"{self._prefix}ids/"):
            await self._exports.delete(info.key)


def run_id(paths: Sequence[Path], *settings: str) -> str:
    """Id of a run: the same files read in the same way are the same run, which then goes on where it stopped."""
    digest = hashlib.sha256("\0".join(settings).encode("utf-8", "surrogatepass"))
    for path in paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return "m" + digest.hexdigest()[:15]
