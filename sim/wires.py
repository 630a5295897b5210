"""The product's ports to the outside, over the twin's core: EUM Social, its media, destinations, secrets."""

import asyncio
import hashlib
import json
from random import Random
from typing import Any, Literal

from services.forwarder.ports import (
    Answer,
    Call,
    NotSentError,
    RejectedError,
    SecretMissingError,
    UnclearError,
)
from services.media.ports import MediaGoneError, MediaThrottledError
from shared.objects.memory import MemoryObjects
from sim.outside import ACCOUNT, Outside, now_ns
from twin.core.model import File, Row
from twin.core.world import MediaGoneError as TwinMediaGoneError

_THROTTLED = "ThrottledRequestException"
_UNCLEAR = frozenset({"InternalServiceException", "DependencyException"})
SECRET = "whsec_" + "c2ltdWxhdGVkLXNlY3JldC1zaW11bGF0ZWQ="
MS = 1_000_000


class EumWire:
    """SendWhatsAppMessage and PostWhatsAppMessageMedia."""

    def __init__(self, outside: Outside, bucket: MemoryObjects) -> None:
        self._driver = outside.driver
        self._bucket = bucket

    async def send(self, pnid: str, blob: bytes) -> str:
        """Hand a message over; what goes wrong is what the twin's faults say."""
        del pnid
        step = self._driver.act(self._driver.world.send(ACCOUNT.eum_phone_id, blob, now_ns()))
        answer = step.answer
        await asyncio.sleep(answer.hold_ms / 1000)
        self._driver.history.commit([self._driver.world.answered(step, now_ns())])
        if answer.drop or answer.error in _UNCLEAR:
            raise UnclearError(answer.error or "dropped")
        if answer.error == _THROTTLED:
            raise NotSentError("throttled", 1.0)
        if answer.error:
            raise RejectedError(answer.error)
        return answer.message_id

    async def upload(self, pnid: str, key: str) -> str:
        """Give an object of the media bucket to Meta."""
        del pnid
        info = await self._bucket.head(key)
        if info is None:
            raise RejectedError("missing_object")
        file = File(await self._bucket.get(key), info.content_type)
        step = self._driver.act(self._driver.world.upload(file, now_ns()))
        return step.media[0].id


class MediaWire:
    """GetWhatsAppMessageMedia: puts a file of the twin under a prefix, named by EUM."""

    def __init__(self, outside: Outside, bucket: MemoryObjects) -> None:
        self._world = outside.driver.world
        self._bucket = bucket
        self.throttled_until_s = 0.0

    async def fetch(self, media_id: str, pnid: str, prefix: str) -> None:
        """Have a file put under `prefix`. Raises MediaGoneError, MediaThrottledError."""
        del pnid
        if asyncio.get_running_loop().time() < self.throttled_until_s:
            raise MediaThrottledError
        try:
            media = self._world.media(media_id, now_ns())
        except TwinMediaGoneError:
            raise MediaGoneError(media_id) from None
        await self._bucket.put(f"{prefix}{media_id}.bin", media.file.data, content_type=media.file.mime)


class SniffWire:
    """What a file is, by the first bytes of the kinds the twin makes."""

    _MAGIC = (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG", "image/png"),
        (b"OggS", "audio/ogg"),
        (b"%PDF", "application/pdf"),
        (b"RIFF", "image/webp"),
    )

    def mime(self, head: bytes) -> str:
        """MIME type, application/octet-stream where nothing is recognised."""
        return next(
            (mime for magic, mime in self._MAGIC if head.startswith(magic)), "application/octet-stream"
        )


Mode = Literal["ok", "down", "lost_answer"]


class HookWire:
    """Destinations that keep by webhook-id, and are down or lose an answer now and then until `until_s`.

    Attributes:
        takes_s: how long a delivery takes, from and to.
    """

    def __init__(self, outside: Outside, rng: Random, trouble: float, until_s: float) -> None:
        self._driver = outside.driver
        self._rng = rng
        self._trouble = trouble
        self._until_s = until_s
        self._kept: dict[tuple[str, str], None] = {}
        self.takes_s = (0.005, 0.05)

    async def deliver(self, call: Call) -> Answer:
        """Take a call and answer."""
        mode = self._mode()
        await asyncio.sleep(self._rng.uniform(*self.takes_s))
        if mode == "down":
            self._note(call, "fail", "503")
            return Answer(503)
        key = (call.url, call.headers["webhook-id"])
        new = key not in self._kept
        self._kept[key] = None
        self._note(call, "ok" if new else "info", "200")
        return Answer(500 if mode == "lost_answer" else 200)

    def _mode(self) -> Mode:
        now = asyncio.get_running_loop().time()
        if now > self._until_s or self._rng.random() >= self._trouble:
            return "ok"
        return self._rng.choice(("down", "lost_answer"))

    def _note(self, call: Call, phase: Literal["ok", "info", "fail"], code: str) -> None:
        row = Row(
            at=now_ns() // MS,
            kind="received",
            phase=phase,
            pnid=ACCOUNT.pnid,
            direction="out",
            type=str(json.loads(call.body).get("type", "")),
            destination=call.url.rpartition("/")[2],
            remote_id=call.headers["webhook-id"],
            text_sha256=hashlib.sha256(call.body).hexdigest(),
            code=code,
            body=call.body.decode(),
        )
        self._driver.history.commit([row])


class SecretWire:
    """The secret store: every destination has the same simulated secret."""

    async def read(self, name: str) -> str:
        """The secret. Raises SecretMissingError."""
        if not name.startswith("hook-"):
            raise SecretMissingError(name)
        return SECRET

    async def write(self, name: str, value: str) -> None:
        """Keep a value."""
        del name, value


def link(medium: Any) -> str:
    """A destination's link to a file; nobody follows it in a simulated world."""
    return f"https://cdn.invalid/{medium['sha256']}"


class UrlWire:
    """The CDN's signer."""

    def url(self, sha256: str, ttl_s: int, rendition: str = "original") -> str:
        """An URL nobody follows."""
        return f"https://cdn.invalid/{sha256}/{rendition}?{ttl_s}"
