"""The decoder over real programs: ffmpeg, poppler, tesseract, Pillow and pikepdf, each step confined and bounded.

Times and sizes are bounds, not expectations. Demuxers, codecs and protocols are named, so that no playlist, no
address and no rare format is ever followed: ffmpeg-formats(1) `format_whitelist`, `protocol_whitelist`;
ffmpeg-codecs(1) `codec_whitelist`.
"""

import json
import re
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from services.media.adapters.sandbox import Box, Ran, Sandbox
from services.media.decode.jail import Limits
from services.media.decode.sound import RATE
from services.media.ports import Decoded, DecoderUnavailableError, Hashes
from services.media.renditions import clean_name, names

MIB = 1024 * 1024
PROGRAMS = ("ffmpeg", "ffprobe", "tesseract", "pdftoppm", "pdftotext", "pdfinfo")
_QUICK = Limits(cpu_s=12, memory=1024 * MIB, file=256 * MIB)
_LONG = Limits(cpu_s=120, memory=1536 * MIB, file=256 * MIB)
_QUICK_S, _LONG_S = 30.0, 180.0
_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,ogg,mp3,aac,amr,wav,matroska,webm"
_CODECS = (
    "h264,hevc,mpeg4,h263,vp8,vp9,av1,libdav1d,mjpeg,aac,opus,libopus,vorbis,mp3,mp3float,amrnb,amrwb,"
    "pcm_s16le,pcm_u8,ac3,alac,flac"
)
_INPUT = ("-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS, "-codec_whitelist", _CODECS)
_BARE = ("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact")
_ALSO = frozenset({"image/gif", "audio/wav", "audio/x-wav", "video/quicktime", "video/webm"})
_PREVIEW_S = "600"
_POSTER_S = 1
_PAGES = 20  # of a PDF whose text is read
_TEXT = 50_000  # characters kept of a file's text
_WORDS = re.compile(r"\w")
_LOCATION = re.compile(r"^([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?")  # ISO 6709
_TAGS = {
    "make": ("com.apple.quicktime.make", "com.android.manufacturer", "make"),
    "model": ("com.apple.quicktime.model", "com.android.model", "model"),
    "software": ("com.apple.quicktime.software", "com.android.version", "encoder"),
    "taken_at": ("com.apple.quicktime.creationdate", "creation_time", "date"),
    "author": ("artist", "author"),
    "title": ("title",),
}


@dataclass(frozen=True, slots=True)
class _File:
    """A rendition in a box."""

    box: Box
    name: str
    mime: str

    def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        return self.box.chunks(self.name)


@dataclass(slots=True)
class _Bench:
    """One file on its way through the steps."""

    box: Box
    kind: str
    read: bool
    facts: dict[str, int] = field(default_factory=dict)
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


class Tools:
    """The decoder.

    Args:
        sandbox: runs each step.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._boxes: dict[int, Box] = {}
        self._missing = tuple(name for name in PROGRAMS if shutil.which(name) is None)
        self._confined = False
        self._roads: Mapping[str, Callable[[_Bench], Any]] = {
            "image": self._picture,
            "video": self._film,
            "audio": self._sound,
        }

    async def check(self) -> None:
        """Find out whether a process can be confined here; `checks` tells."""
        box = self._sandbox.box()
        try:
            ran = await self._sandbox.run(box, _QUICK, _QUICK_S, argv=["/bin/true"])
            self._confined = ran.code == 0
        except DecoderUnavailableError:
            self._confined = False
        finally:
            box.close()

    def checks(self) -> dict[str, Callable[[], bool]]:
        """For /readyz: what is missing, by name; the first one also says how far the confinement goes here."""
        user = "own user" if self._sandbox.own_user else "same user"
        found: dict[str, Callable[[], bool]] = {f"decoders confined, {user}": lambda: self._confined}
        return found | {f"program {name}": lambda: False for name in self._missing}

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        """Decode a file. Raises DecoderUnavailableError."""
        if self._missing:
            raise DecoderUnavailableError(self._missing[0])
        box = self._sandbox.box()
        try:
            await box.fill(chunks)
            bench = _Bench(box, kind, read)
            await self._road(kind)(bench)
        except BaseException:
            box.close()
            raise
        decoded = _decoded(bench)
        self._boxes[id(decoded)] = box
        return decoded

    async def release(self, decoded: Decoded) -> None:
        """Remove the file's folder."""
        box = self._boxes.pop(id(decoded), None)
        if box is not None:
            box.close()

    def _road(self, kind: str) -> Callable[[_Bench], Any]:
        if kind == "application/pdf":
            return self._pdf
        if kind.startswith("application/vnd.openxmlformats-officedocument."):
            return self._office
        return (
            self._roads.get(kind.partition("/")[0], _nothing)
            if clean_name(kind) or kind in _ALSO
            else _nothing
        )

    # --- roads

    async def _picture(self, bench: _Bench) -> None:
        sizes = [("thumb.webp", 320), ("photo.jpg", 1600)]
        sticker = bench.kind == "image/webp"
        if sticker:
            sizes.append(("sticker.png", 512))
        said = await self._look(
            bench, str(bench.box.src), sizes, clean_name(bench.kind) or "", ocr=not sticker
        )
        bench.card |= said.get("card", {})
        if "ocr.png" in said.get("made", ()):
            await self._words(bench)

    async def _film(self, bench: _Bench) -> None:
        if not await self._probe(bench):
            return
        at = min(_POSTER_S, bench.facts.get("ms", 0) / 2000)
        if "width" in bench.facts:
            one = ("-ss", f"{at:.3f}", *_INPUT, "-i", str(bench.box.src), "-frames:v", "1", "poster.png")
            if bench.judge(await self._ffmpeg(bench, one)):
                inside = str(bench.box.inside / "poster.png")
                await self._look(bench, inside, [("thumb.webp", 320), ("poster.webp", 1280)], "", ocr=False)
            bench.judge(await self._ffmpeg(bench, _preview(str(bench.box.src)), _LONG, _LONG_S))
        await self._bare(bench)

    async def _sound(self, bench: _Bench) -> None:
        if not await self._probe(bench):
            return
        source = ("-vn", "-map", "0:a:0")
        made = (
            *(*_INPUT, "-i", str(bench.box.src)),
            *(*source, *_BARE, "-c:a", "aac", "-b:a", "32k", "-ac", "1", "voice.m4a"),
            *(*source, *_BARE, "-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le", "voice.wav"),
            *(*source, "-ar", f"{RATE}", "-ac", "1", "-c:a", "pcm_s8", "-f", "s8", "peaks.raw"),
        )
        if bench.judge(await self._ffmpeg(bench, made, _LONG, _LONG_S)):
            raw = str(bench.box.inside / "peaks.raw")
            await self._job(bench, "sound", {"src": raw, "out": "peaks.json"})
        await self._bare(bench)

    async def _pdf(self, bench: _Bench) -> None:
        source = str(bench.box.src)
        info = await self._run(bench, ["/usr/bin/pdfinfo", source])
        if not bench.judge(info):
            return
        bench.card |= _pdf_card(info.out)
        bench.facts |= _pages(info.out)
        page = ["/usr/bin/pdftoppm", "-f", "1", "-l", "1", "-singlefile", "-scale-to", "1600", "-png"]
        said: Mapping[str, Any] = {}
        drawn = await self._run(bench, [*page, source, "page"])
        if drawn.spent:
            bench.judge(drawn)
            return
        if bench.judge(drawn):
            inside = str(bench.box.inside / "page.png")
            said = await self._look(bench, inside, [("thumb.webp", 320), ("page1.webp", 1600)], "", ocr=True)
        text = await self._run(bench, ["/usr/bin/pdftotext", "-l", f"{_PAGES}", source, "-"])
        bench.text = _text(text.out) if bench.judge(text) else ""
        if not bench.text and "ocr.png" in said.get("made", ()):
            await self._words(bench)
        await self._job(bench, "pdf", {"src": source, "out": clean_name(bench.kind)})

    async def _office(self, bench: _Bench) -> None:
        await self._job(bench, "office", {"src": str(bench.box.src), "out": clean_name(bench.kind)})
        bench.reason = bench.reason or "no_preview"

    # --- steps

    async def _look(
        self, bench: _Bench, src: str, sizes: Sequence[tuple[str, int]], clean: str, *, ocr: bool
    ) -> Mapping[str, Any]:
        """The picture job; what it said, empty where it failed."""
        args = {"src": src, "sizes": sizes, "clean": clean, "ocr": ocr and bench.read}
        ran = await self._job(bench, "picture", args)
        said: Mapping[str, Any] = {}
        if ran.code == 0:
            with suppress(ValueError):
                said = json.loads(ran.out)
        bench.reason = bench.reason or str(said.get("reason", ""))
        if said.get("hashes"):
            words = said["hashes"]
            bench.hashes = Hashes(_numbers(words["index"]), _numbers(words["query"]))
        bench.facts |= {name: int(said[name]) for name in ("width", "height") if name in said}
        return said

    async def _words(self, bench: _Bench) -> None:
        """Read the picture that the picture job left for it; one without words leaves no text, and is no fault."""
        if not bench.read:
            return
        picture = str(bench.box.inside / "ocr.png")
        ran = await self._run(bench, ["/usr/bin/tesseract", picture, "-", "-l", "spa"])
        bench.text = _text(ran.out) if ran.code == 0 else ""

    async def _probe(self, bench: _Bench) -> bool:
        """Length, size and tags of a film or sound."""
        say = ("-v", "error", "-of", "json", "-show_format", "-show_streams")
        ran = await self._run(bench, ["/usr/bin/ffprobe", *_INPUT, *say, str(bench.box.src)])
        if not bench.judge(ran):
            return False
        try:
            said = json.loads(ran.out)
        except ValueError:
            bench.reason = bench.reason or "damaged"
            return False
        bench.facts |= _film_facts(said)
        bench.card |= _film_card(said)
        playable = [each for each in said.get("streams", ()) if each.get("codec_type") in {"video", "audio"}]
        bench.reason = bench.reason or ("" if playable else "damaged")
        return bool(playable)

    async def _bare(self, bench: _Bench) -> None:
        """The copy without metadata: streams as they are, no data tracks, no SEI with a recorder's words."""
        name = clean_name(bench.kind)
        if name is None:
            return
        tracks = (
            ("-map", "0:v:0?", "-map", "0:a:0?") if bench.kind.startswith("video/") else ("-map", "0:a:0")
        )
        words = ("-bsf:v", "filter_units=remove_types=6") if bench.facts.get("h264") else ()
        plain = ("-write_xing", "0", "-id3v2_version", "0") if name.endswith("mp3") else ()
        copy = (*_INPUT, "-i", str(bench.box.src), *tracks, "-c", "copy", *words, *_BARE, *plain)
        bench.judge(await self._ffmpeg(bench, (*copy, name)))

    async def _ffmpeg(
        self, bench: _Bench, words: Sequence[str], limits: Limits = _QUICK, wall_s: float = _QUICK_S
    ) -> Ran:
        quiet = ("-nostdin", "-hide_banner", "-v", "error", "-y", "-threads", "1")
        return await self._run(bench, ["/usr/bin/ffmpeg", *quiet, *words], limits, wall_s)

    async def _job(self, bench: _Bench, job: str, args: Mapping[str, Any]) -> Ran:
        ran = await self._sandbox.run(bench.box, _QUICK, _QUICK_S, job=job, args=args)
        bench.judge(ran)
        return ran

    async def _run(
        self, bench: _Bench, argv: Sequence[str], limits: Limits = _QUICK, wall_s: float = _QUICK_S
    ) -> Ran:
        return await self._sandbox.run(bench.box, limits, wall_s, argv=argv)


async def _nothing(bench: _Bench) -> None:
    bench.reason = "" if bench.kind.startswith("text/") else "no_preview"


def _preview(source: str) -> tuple[str, ...]:
    """720 pixels at most, H.264 and AAC, playable while it loads."""
    scale = "scale='min(720,iw)':'min(720,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    return (
        *(*_INPUT, "-t", _PREVIEW_S, "-i", source, "-map", "0:v:0", "-map", "0:a:0?", "-vf", scale, *_BARE),
        *(
            "-c:v",
            "libx264",
            "-preset",
            "veryfast",
            "-crf",
            "27",
            "-pix_fmt",
            "yuv420p",
            "-profile:v",
            "main",
        ),
        *(
            "-c:a",
            "aac",
            "-b:a",
            "64k",
            "-ac",
            "2",
            "-movflags",
            "+faststart",
            "-threads",
            "1",
            "preview.mp4",
        ),
    )


def _decoded(bench: _Bench) -> Decoded:
    made = [
        _File(bench.box, name, mime) for name, mime in names(bench.kind).items() if bench.box.size(name) > 0
    ]
    return Decoded(made, bench.facts, bench.hashes, bench.card, bench.text, bench.reason)


def _numbers(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(word, 16) for word in words)


def _text(out: bytes) -> str:
    """Lines with words in them."""
    lines = (line.strip() for line in out.decode("utf-8", "replace").replace("\f", "\n").splitlines())
    return "\n".join(line for line in lines if _WORDS.search(line))[:_TEXT]


def _film_facts(said: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    with suppress(KeyError, TypeError, ValueError):
        found["ms"] = round(float(said["format"]["duration"]) * 1000)
    for stream in said.get("streams", ()):
        if stream.get("codec_type") == "video" and "width" in stream:
            found |= {"width": int(stream["width"]), "height": int(stream["height"])}
            found |= {"h264": 1} if stream.get("codec_name") == "h264" else {}
    return found


def _film_card(said: Mapping[str, Any]) -> dict[str, Any]:
    tags = {
        str(name).lower(): str(value)[:200]
        for part in (said.get("format", {}), *said.get("streams", ()))
        for name, value in (part.get("tags") or {}).items()
    }
    found: dict[str, Any] = {
        name: next(tags[tag] for tag in known if tag in tags)
        for name, known in _TAGS.items()
        if any(tag in tags for tag in known)
    }
    place = tags.get("com.apple.quicktime.location.iso6709") or tags.get("location") or ""
    if match := _LOCATION.match(place):
        found |= {"latitude": float(match[1]), "longitude": float(match[2])}
    return found


def _pdf_lines(out: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in out.decode("utf-8", "replace").splitlines())
    return {name.strip(): value.strip()[:200] for name, _, value in lines if value.strip()}


def _pdf_card(out: bytes) -> dict[str, str]:
    lines = _pdf_lines(out)
    known = {"title": "Title", "author": "Author", "software": "Creator", "producer": "Producer"}
    known |= {"written_at": "CreationDate", "changed_at": "ModDate"}
    return {name: lines[line] for name, line in known.items() if line in lines}


def _pages(out: bytes) -> dict[str, int]:
    pages = _pdf_lines(out).get("Pages", "")
    return {"pages": int(pages)} if pages.isdigit() else {}
