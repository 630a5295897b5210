"""What WhatsApp takes: every kind and type has its rendition within its limit, or a reason in words."""

from hypothesis import given
from hypothesis import strategies as st

from services.media.sending import (
    STICKER_BYTES,
    VOICE_BYTES,
    Target,
    film_bps,
    film_side,
    target,
    voice_bps,
)
from shared.media.outcomes import OURS, OUTCOMES, UPLOADED_ES, explain
from shared.media.uploads import KINDS, LIMITS, MB, Kind
from shared.objects.cdn import ORIGINAL

LENGTHS = st.integers(1, 24 * 3600 * 1000)
OLD_OFFICE = {"application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"}


def test_every_type_that_may_be_uploaded_has_its_rendition_or_its_reason() -> None:
    for kind in KINDS:
        for mime in LIMITS[kind].mimes:
            aim = target(kind, mime)
            if mime in OLD_OFFICE:
                assert aim == "no_clean_copy"
                continue
            assert isinstance(aim, Target)
            assert 0 < aim.most <= LIMITS[kind].size
            assert aim.name.startswith(("wa_", "clean.")) or (mime, aim.name) == ("text/plain", ORIGINAL)


def test_what_whatsapp_takes_is_what_it_documents() -> None:
    assert target("image", "image/png") == Target("wa_image.jpg", "image/jpeg", 5 * MB)
    assert target("video", "video/3gpp") == Target("wa_video.mp4", "video/mp4", 16 * MB)
    assert target("voice", "audio/webm") == Target("wa_voice.ogg", "audio/ogg", VOICE_BYTES)
    assert target("sticker", "image/webp") == Target("wa_sticker.webp", "image/webp", STICKER_BYTES)
    assert target("audio", "audio/mpeg") == Target("wa_audio.mp3", "audio/mpeg", 16 * MB)
    assert target("document", "application/pdf") == Target("clean.pdf", "application/pdf", 100 * MB)
    assert target("image", "image/tiff") == "unsupported"


@given(LENGTHS)
def test_a_note_fits_whatever_its_length_or_is_refused(ms: int) -> None:
    bps = voice_bps(ms)
    if bps is None:
        assert ms > 7 * 60 * 1000  # 512 KB at 8 kbit/s
    else:
        assert 8_000 <= bps <= 24_000
        assert bps * ms / 8000 <= VOICE_BYTES


@given(LENGTHS)
def test_a_film_fits_whatever_its_length_or_is_refused(ms: int) -> None:
    rates = film_bps(ms)
    if rates is None:
        assert ms > 8 * 60 * 1000
    else:
        assert min(rates) > 0
        assert sum(rates) * ms / 8000 <= 16 * MB
        assert film_side(rates[0]) in {640, 854, 1280}


def test_longer_is_never_finer() -> None:
    notes = [voice_bps(seconds * 1000) or 0 for seconds in range(1, 900, 7)]
    assert notes == sorted(notes, reverse=True)


def test_each_reason_of_ours_is_explained_to_whoever_uploaded() -> None:
    reasons: tuple[Kind | str, ...] = (
        "unsupported",
        "no_clean_copy",
        "too_long",
        "no_sound",
        "no_picture",
        "unreadable",
        "too_heavy",
        "upload_gone",
    )
    for reason in reasons:
        assert OURS[reason].state == "failed"
        assert explain(reason, uploaded=True) == OURS[reason]
    assert set(UPLOADED_ES) <= set(OUTCOMES)
    for reason in OUTCOMES:
        if reason in UPLOADED_ES:
            assert "pida" not in explain(reason, uploaded=True).es.lower()
            assert explain(reason, uploaded=True).state == explain(reason).state
