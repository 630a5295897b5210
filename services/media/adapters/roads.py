"""What is done to each type of file so that people can look at it, listen to it and find it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from services.media.adapters import cards
from services.media.adapters.steps import BARE, INPUT, LONG, LONG_S, Bench, Steps
from services.media.decode.sound import RATE
from services.media.renditions import clean_name

Road = Callable[[Steps, Bench], Awaitable[None]]
_ALSO = frozenset({"image/gif", "audio/wav", "audio/x-wav", "audio/webm", "video/quicktime", "video/webm"})
_PREVIEW_S = "600"
_POSTER_S = 1
_PAGES = 20  # of a PDF whose text is read


def road(kind: str) -> Road:
    """The way of a file of MIME type `kind`."""
    if kind == "application/pdf":
        return pdf
    if kind.startswith("application/vnd.openxmlformats-officedocument."):
        return office
    known: Mapping[str, Road] = {"image": picture, "video": film, "audio": sound}
    return known.get(kind.partition("/")[0], nothing) if clean_name(kind) or kind in _ALSO else nothing


async def picture(steps: Steps, bench: Bench) -> None:
    """Copies, hashes, card, words."""
    sizes = [("thumb.webp", 320), ("photo.jpg", 1600)]
    sticker = bench.kind == "image/webp"
    if sticker:
        sizes.append(("sticker.png", 512))
    said = await steps.look(bench, str(bench.box.src), sizes, clean_name(bench.kind) or "", ocr=not sticker)
    bench.card |= said.get("card", {})
    if "ocr.png" in said.get("made", ()):
        await steps.words(bench)


async def film(steps: Steps, bench: Bench) -> None:
    """A poster and a preview."""
    if not await steps.probe(bench):
        return
    at = min(_POSTER_S, bench.facts.get("ms", 0) / 2000)
    if "width" in bench.facts:
        one = ("-ss", f"{at:.3f}", *INPUT, "-i", str(bench.box.src), "-frames:v", "1", "poster.png")
        if await steps.ffmpeg(bench, one):
            inside = str(bench.box.inside / "poster.png")
            await steps.look(bench, inside, [("thumb.webp", 320), ("poster.webp", 1280)], "", ocr=False)
        await steps.ffmpeg(bench, _preview(str(bench.box.src)), LONG, LONG_S)
    await bare(steps, bench)


async def sound(steps: Steps, bench: Bench) -> None:
    """Copies that every browser plays and the shape of the sound."""
    if not await steps.probe(bench):
        return
    source = ("-vn", "-map", "0:a:0")
    made = (
        *(*INPUT, "-i", str(bench.box.src)),
        *(*source, *BARE, "-c:a", "aac", "-b:a", "32k", "-ac", "1", "voice.m4a"),
        *(*source, *BARE, "-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le", "voice.wav"),
        *(*source, "-ar", f"{RATE}", "-ac", "1", "-c:a", "pcm_s8", "-f", "s8", "peaks.raw"),
    )
    if await steps.ffmpeg(bench, made, LONG, LONG_S):
        raw = str(bench.box.inside / "peaks.raw")
        await steps.job(bench, "sound", {"src": raw, "out": "peaks.json"})
    await bare(steps, bench)


async def pdf(steps: Steps, bench: Bench) -> None:
    """Its first page, its text, a copy without its makers."""
    source = str(bench.box.src)
    info = await steps.run(bench, ["/usr/bin/pdfinfo", source])
    if not bench.judge(info):
        return
    bench.card |= cards.pdf_card(info.out)
    bench.facts |= cards.pdf_facts(info.out)
    page = ["/usr/bin/pdftoppm", "-f", "1", "-l", "1", "-singlefile", "-scale-to", "1600", "-png"]
    said: Mapping[str, Any] = {}
    drawn = await steps.run(bench, [*page, source, "page"])
    if drawn.spent:
        bench.judge(drawn)
        return
    if bench.judge(drawn):
        inside = str(bench.box.inside / "page.png")
        said = await steps.look(bench, inside, [("thumb.webp", 320), ("page1.webp", 1600)], "", ocr=True)
    text = await steps.run(bench, ["/usr/bin/pdftotext", "-l", f"{_PAGES}", source, "-"])
    bench.text = cards.text(text.out) if bench.judge(text) else ""
    if not bench.text and "ocr.png" in said.get("made", ()):
        await steps.words(bench)
    await steps.job(bench, "pdf", {"src": source, "out": clean_name(bench.kind)})


async def office(steps: Steps, bench: Bench) -> None:
    """A copy without its makers."""
    await steps.job(bench, "office", {"src": str(bench.box.src), "out": clean_name(bench.kind)})
    bench.reason = bench.reason or "no_preview"


async def nothing(steps: Steps, bench: Bench) -> None:
    """Text is its own preview; of anything else there is none."""
    del steps
    bench.reason = "" if bench.kind.startswith("text/") else "no_preview"


async def bare(steps: Steps, bench: Bench, name: str | None = None) -> bool:
    """The copy without metadata: streams as they are, no data tracks, no SEI with a recorder's words."""
    name = name or clean_name(bench.kind)
    if name is None:
        return False
    tracks = ("-map", "0:v:0?", "-map", "0:a:0?") if bench.kind.startswith("video/") else ("-map", "0:a:0")
    words = ("-bsf:v", "filter_units=remove_types=6") if bench.facts.get("h264") else ()
    plain = ("-write_xing", "0", "-id3v2_version", "0") if name.endswith("mp3") else ()
    copy = (*INPUT, "-i", str(bench.box.src), *tracks, "-c", "copy", *words, *BARE, *plain)
    return await steps.ffmpeg(bench, (*copy, name))


def _preview(source: str) -> tuple[str, ...]:
    """720 pixels at most, H.264 and AAC, playable while it loads."""
    scale = "scale='min(720,iw)':'min(720,ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    tracks = ("-map", "0:v:0", "-map", "0:a:0?")
    film = [
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
    ]
    tail = [
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
    ]
    return (*INPUT, "-t", _PREVIEW_S, "-i", source, *tracks, "-vf", scale, *BARE, *film, *tail)
