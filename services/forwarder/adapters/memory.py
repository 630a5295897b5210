"""The outside in memory: WhatsApp, destinations and secrets, for the simulator and for unit tests.

They pass the same contract suites as the adapters.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.forwarder.ports import Answer, Call, RejectedError, SecretMissingError

Fault = Callable[[], Exception | None]


def no_fault() -> Exception | None:
    """Nothing goes wrong."""
    return None


@dataclass
class MemoryWhatsapp:
    """EUM Social: takes messages of known numbers.

    Attributes:
        numbers: Meta's phone number ids it knows.
        before, after: asked at each call; an exception is raised without, or after, the effect.
        sent: (pnid, blob) in the order of taking. uploaded: (pnid, key).
    """

    numbers: frozenset[str]
    before: Fault = no_fault
    after: Fault = no_fault
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    uploaded: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, pnid: str, blob: bytes) -> str:
        """Take a message; answers AWS's message id."""
        await self._arrive(pnid)
        self.sent.append((pnid, blob))
        number = len(self.sent)
        _raise(self.after())
        return f"aws-{number:08d}"

    async def upload(self, pnid: str, key: str) -> str:
        """Take a file; answers a media id."""
        await self._arrive(pnid)
        self.uploaded.append((pnid, key))
        return str(10_000 + len(self.uploaded))

    async def _arrive(self, pnid: str) -> None:
        await asyncio.sleep(0)
        if pnid not in self.numbers:
            raise RejectedError("unknown_number")
        _raise(self.before())


@dataclass
class MemoryEndpoint:
    """Destinations: keep what they got by `webhook-id`, as Standard Webhooks asks of a receiver.

    Attributes:
        answers: what each URL answers next; 204 where nothing is said.
        before, after: as above. got: calls in order. kept: by URL and id, the first copy only.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    before: Fault = no_fault
    after: Fault = no_fault
    got: list[Call] = field(default_factory=list)
    kept: dict[tuple[str, str], Call] = field(default_factory=dict)

    async def deliver(self, call: Call) -> Answer:
        """Take a call and answer."""
        await asyncio.sleep(0)
        _raise(self.before())
        answers = self.answers.get(call.url)
        answer = answers.pop(0) if answers else Answer(204)
        self.got.append(call)
        if answer.status < 300:  # noqa: PLR2004 - RFC 9110: 2xx is success
            self.kept.setdefault((call.url, call.headers["webhook-id"]), call)
        _raise(self.after())
        return answer


class MemorySecrets:
    """A secret store over a mapping."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    async def read(self, name: str) -> str:
        """The value. Raises SecretMissingError."""
        await asyncio.sleep(0)
        if name not in self._values:
            raise SecretMissingError("unknown")
        return self._values[name]


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
