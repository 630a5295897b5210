"""What is done to each type of file so that WhatsApp takes it; what it must come to is services/media/sending.py."""

from services.media.adapters.roads import bare
from services.media.adapters.steps import BARE, INPUT, LONG, LONG_S, MIB, Bench, Steps
from services.media.decode.jail import Limits
from services.media.decode.outgoing import TOO_BIG
from services.media.sending import STICKER_SIDE, STILL_STICKER_BYTES, Target, film_bps, film_side, voice_bps
from shared.media.uploads import Kind

# Several minutes of film are encoded anew; a quarter of an hour of processor is the most that one may take.
_FILM, _FILM_S = Limits(cpu_s=900, memory=1536 * MIB, file=256 * MIB), 1000.0


async def converted(steps: Steps, bench: Bench, wish: Kind, aim: Target) -> None:
    """Make `aim.name` in the bench's box, or leave the reason in the bench."""
    if wish in {"image", "sticker"}:
        await _picture(steps, bench, wish, aim)
    elif wish == "document":
        job = "pdf" if aim.name.endswith("pdf") else "office"
        await steps.job(bench, job, {"src": str(bench.box.src), "out": aim.name})
    elif await steps.probe(bench):
        await {"video": _film, "voice": _voice}.get(wish, _sound)(steps, bench, aim)


async def _picture(steps: Steps, bench: Bench, wish: Kind, aim: Target) -> None:
    square = {"still": STILL_STICKER_BYTES, "side": STICKER_SIDE} if wish == "sticker" else {}
    args = {"src": str(bench.box.src), "out": aim.name, "most": aim.most, **square}
    ran = await steps.job(bench, "outgoing", args, LONG, LONG_S)
    if ran.code == TOO_BIG:
        bench.reason = "too_long"


async def _voice(steps: Steps, bench: Bench, aim: Target) -> None:
    """OGG with Opus, one channel: what WhatsApp shows as a voice note."""
    if "audio" not in bench.codecs:
        bench.reason = "no_sound"
        return
    await _opus(steps, bench, aim, voice_bps(bench.facts.get("ms", 0), aim.most))


async def _sound(steps: Steps, bench: Bench, aim: Target) -> None:
    """Its own track without metadata; OGG with anything but Opus of one channel is encoded anew."""
    if "audio" not in bench.codecs:
        bench.reason = "no_sound"
    elif aim.name.endswith("ogg"):
        await _opus(steps, bench, aim, voice_bps(bench.facts.get("ms", 0), aim.most))
    else:
        await bare(steps, bench, aim.name)


async def _opus(steps: Steps, bench: Bench, aim: Target, bps: int | None) -> None:
    if bps is None:
        bench.reason = "too_long"
        return
    how = ("-c:a", "libopus", "-application", "voip", "-b:a", f"{bps}", "-ac", "1", "-ar", "48000")
    words = (*INPUT, "-i", str(bench.box.src), "-vn", "-map", "0:a:0", *BARE, *how, "-f", "ogg", aim.name)
    await steps.ffmpeg(bench, words, LONG, LONG_S)


async def _film(steps: Steps, bench: Bench, aim: Target) -> None:
    """MP4 with H.264 and AAC: its own tracks where they are that and small enough, else encoded anew."""
    rate = film_bps(bench.facts.get("ms", 0), aim.most)
    if "video" not in bench.codecs:
        bench.reason = "no_picture"
    elif bench.codecs["video"] == "h264" and bench.codecs.get("audio", "aac") == "aac":
        await bare(steps, bench, aim.name)
    elif rate is None:
        bench.reason = "too_long"
    else:
        await steps.ffmpeg(bench, _encoded(str(bench.box.src), aim.name, *rate), _FILM, _FILM_S)


def _encoded(source: str, name: str, picture: int, sound: int) -> tuple[str, ...]:
    side = film_side(picture)
    scale = (
        f"scale='min({side},iw)':'min({side},ih)':force_original_aspect_ratio=decrease:force_divisible_by=2"
    )
    film = ("-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-pix_fmt", "yuv420p")
    rate = ("-b:v", f"{picture}", "-maxrate", f"{picture}", "-bufsize", f"{picture}")
    tail = ("-c:a", "aac", "-b:a", f"{sound}", "-ac", "2", "-movflags", "+faststart", name)
    tracks = ("-map", "0:v:0", "-map", "0:a:0?")
    return (*INPUT, "-i", source, *tracks, "-vf", scale, *BARE, *film, *rate, *tail)
