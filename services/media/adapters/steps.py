"""The steps a file is decoded in: programs and jobs, each confined and bounded.

Times and sizes are bounds, not expectations. Demuxers, codecs and protocols are named, so that no playlist, no
address and no rare format is ever followed: ffmpeg-formats(1) `format_whitelist`, `protocol_whitelist`;
ffmpeg-codecs(1) `codec_whitelist`.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from services.media.adapters import cards
from services.media.adapters.sandbox import Box, Ran, Sandbox
from services.media.decode.jail import Limits
from services.media.ports import Hashes

MIB = 1024 * 1024
QUICK = Limits(cpu_s=12, memory=1024 * MIB, file=256 * MIB)
LONG = Limits(cpu_s=120, memory=1536 * MIB, file=256 * MIB)
QUICK_S, LONG_S = 30.0, 180.0
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,ogg,mp3,aac,amr,wav,matroska,webm"
_CODECS = (
    "h264,hevc,mpeg4,h263,vp8,vp9,av1,libdav1d,mjpeg,aac,opus,libopus,vorbis,mp3,mp3float,amrnb,amrwb,"
    "pcm_s16le,pcm_u8,ac3,alac,flac"
)
INPUT = ("-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS, "-codec_whitelist", _CODECS)
BARE = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact")


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A rendition in a box."""

    box: Box
    name: str
    mime: str

    def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        return self.box.chunks(self.name)


@dataclass(slots=True)
class Bench:
    """One file on its way through the steps."""

    box: Box
    kind: str
    read: bool = False
    facts: dict[str, int] = field(default_factory=dict)
    codecs: dict[str, str] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)
    hashes: Hashes | None = None
    text: str = ""
    reason: str = ""

    def judge(self, ran: Ran) -> bool:
        """Whether a step did its work; the first that did not gives the reason."""
        if ran.code == 0 and not ran.spent:
            return True
        self.reason = self.reason or ("too_complex" if ran.spent else "damaged")
        return False


class Steps:
    """Runs steps in a sandbox; each raises DecoderUnavailableError where nothing can be confined."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def run(
        self, bench: Bench, argv: Sequence[str], limits: Limits = QUICK, wall_s: float = QUICK_S
    ) -> Ran:
        """A program."""
        return await self._sandbox.run(bench.box, limits, wall_s, argv=argv)

    async def job(
        self,
        bench: Bench,
        job: str,
        args: Mapping[str, Any],
        limits: Limits = QUICK,
        wall_s: float = QUICK_S,
    ) -> Ran:
        """A job of services/media/decode."""
        ran = await self._sandbox.run(bench.box, limits, wall_s, job=job, args=args)
        bench.judge(ran)
        return ran

    async def ffmpeg(
        self, bench: Bench, words: Sequence[str], limits: Limits = QUICK, wall_s: float = QUICK_S
    ) -> bool:
        """ffmpeg; whether it did its work."""
        quiet = ("-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", "1")
        return bench.judge(await self.run(bench, ["/usr/bin/ffmpeg", *quiet, *words], limits, wall_s))

    async def probe(self, bench: Bench) -> bool:
        """Length, size, codecs and tags of a film or sound; whether there is anything to play."""
        say = ("-v", "error", "-of", "json", "-show_format", "-show_streams")
        ran = await self.run(bench, ["/usr/bin/ffprobe", *INPUT, *say, str(bench.box.src)])
        if not bench.judge(ran):
            return False
        said: Mapping[str, Any] = {}
        with suppress(ValueError):
            said = json.loads(ran.out)
        bench.facts |= cards.film_facts(said)
        bench.codecs |= cards.codecs(said)
        bench.card |= cards.film_card(said)
        playable = not bench.codecs.keys().isdisjoint({"video", "audio"})
        bench.reason = bench.reason or ("" if playable else "damaged")
        return playable

    async def look(
        self, bench: Bench, src: str, sizes: Sequence[tuple[str, int]], clean: str, *, ocr: bool
    ) -> Mapping[str, Any]:
        """The picture job; what it said, empty where it failed."""
        args = {"src": src, "sizes": sizes, "clean": clean, "ocr": ocr and bench.read}
        ran = await self.job(bench, "picture", args)
        said: Mapping[str, Any] = {}
        if ran.code == 0:
            with suppress(ValueError):
                said = json.loads(ran.out)
        bench.reason = bench.reason or str(said.get("reason", ""))
        if said.get("hashes"):
            words = said["hashes"]
            bench.hashes = Hashes(cards.numbers(words["index"]), cards.numbers(words["query"]))
        bench.facts |= {name: int(said[name]) for name in ("width", "height") if name in said}
        return said

    async def words(self, bench: Bench) -> None:
        """Read the picture that the picture job left for it; one without words leaves no text, and is no fault."""
        if not bench.read:
            return
        picture = str(bench.box.inside / "ocr.png")
        ran = await self.run(bench, ["/usr/bin/tesseract", picture, "-", "-l", "spa"])
        bench.text = cards.text(ran.out) if ran.code == 0 else ""
