"""What one sender may cost in a day: transcription, OCR, Connect messages, media bytes; pure.

All senders together have a budget of transcription too, which is paid by the second. Over budget the work waits, the message is kept, a person is told: somebody who sends a hundred voice notes costs
the newsroom no more than a known sum, and loses nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["transcription_s", "transcription_all_s", "ocr_pages", "connect_messages", "media_bytes"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DAY_MS = 24 * 3600 * 1000
# Where an editor has set nothing (config `budget`): a talkative source fits, a flood does not.
DEFAULTS: Mapping[Kind, int] = {
    "transcription_s": 20 * 60,
    "transcription_all_s": 60 * 60,
    "ocr_pages": 100,
    "connect_messages": 200,
    "media_bytes": 2_000_000_000,
}
EVERYBODY = "all"  # whose budget the one of all senders is
WORDS_ES: Mapping[Kind, str] = {
    "transcription_s": "la transcripción",
    "transcription_all_s": "la transcripción",
    "ocr_pages": "la lectura de texto en imágenes",
    "connect_messages": "el reenvío a Amazon Connect",
    "media_bytes": "la descarga de archivos",
}


@dataclass(frozen=True, slots=True)
class State:
    """What was spent since the window began (ms); `told` = a person knows that it is used up."""

    since_ms: int = 0
    used: int = 0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Spend:
    """Do it; the state after it."""

    state: State


@dataclass(frozen=True, slots=True)
class Over:
    """Not before `until_ms`. `tell`: nobody was told of this window yet; the state after telling."""

    until_ms: int
    tell: bool
    state: State


def spend(state: State, amount: int, limit: int, now_ms: int) -> Spend | Over:
    """Decide one piece of work.

    A window of 24 h begins with its first piece. In an empty window anything goes, for what is larger than the
    whole budget would wait for ever.

    Args:
        state: as read.
        amount: what the work costs.
        limit: what a window may cost.
        now_ms: wall clock.
    """
    if now_ms >= state.since_ms + DAY_MS:
        state = State(now_ms)
    if state.used == 0 or state.used + amount <= limit:
        return Spend(State(state.since_ms, state.used + amount, state.told))
    return Over(state.since_ms + DAY_MS, not state.told, State(state.since_ms, state.used, told=True))


def text_es(kind: Kind) -> str:
    """What people at the desk are told."""
    who = "La redacción" if kind == "transcription_all_s" else "Esta persona"
    return (
        f"{who} agotó hoy su presupuesto para {WORDS_ES[kind]}: el mensaje está guardado y el trabajo "
        "sigue solo cuando empiece el siguiente día de 24 horas."
    )
