"""Whether a message may go to WhatsApp now: one pure function over explicit state and the clock.

Every send passes it: replies, templates, forwards, reactions, receipts. What it refuses would have cost a
violation at Meta; what it lets wait keeps its place in the lane.
"""

from dataclasses import dataclass
from typing import Literal

from shared.policy.bucket import NUMBER, PAIR

Kind = Literal["free", "template", "signal"]
OptOut = Literal["", "marketing", "all"]
BREAKER_PAUSE_MS = 30_000  # how soon a held send looks again whether a person has closed the breaker


@dataclass(frozen=True, slots=True)
class State:
    """All that is known when the question is asked; read consistently.

    Attributes:
        window_ends_at: end of the customer service window (ms), None = the person never wrote.
        opted_out: `marketing` = no templates, which Meta sends on to nobody who stopped them; `all` = nothing.
        breaker_open: Meta locked the account; a person must look.
        template_unusable: Meta's last word on this template is that it may not be sent.
        templates_restricted: Meta forbids the account to write first, for now.
        pair_tat_us, number_tat_us: the buckets (shared/policy/bucket.py).
    """

    window_ends_at: int | None = None
    opted_out: OptOut = ""
    breaker_open: bool = False
    template_unusable: bool = False
    templates_restricted: bool = False
    pair_tat_us: int | None = None
    number_tat_us: int | None = None


@dataclass(frozen=True, slots=True)
class Allow:
    """It may go, once the buckets stand at these values."""

    pair_tat_us: int
    number_tat_us: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not go, ever. `rule` is a metric label; the texts are for the people at the desk."""

    rule: str
    reason_es: str
    remedy_es: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Not before `until_ms`. `rule` is a metric label."""

    rule: str
    until_ms: int


Verdict = Allow | Refuse | Wait

OPT_OUT = Refuse(
    "opt_out",
    "La persona pidió no recibir más mensajes.",
    "Espere a que escriba de nuevo y lo autorice; no le escriba por otra vía automática.",
)
WINDOW = Refuse(
    "window",
    "Pasaron más de 24 horas desde su último mensaje: WhatsApp no permite texto libre.",
    "Use una plantilla aprobada o espere a que la persona escriba.",
)
TEMPLATE = Refuse(
    "template_unusable",
    "Meta pausó, deshabilitó, rechazó o aún no aprueba esta plantilla.",
    "Use otra plantilla; un editor puede ver su estado y corregirla.",
)
RESTRICTED = Refuse(
    "restricted",
    "Meta restringió la cuenta: por ahora no puede escribir primero.",
    "Conteste a quien escriba; un administrador debe revisar la cuenta en Meta.",
)


def guard(kind: Kind, state: State, now_ms: int) -> Verdict:
    """Decide one send.

    Args:
        kind: `free` needs the window; `template` does not; `signal` is a receipt or typing indicator, which
            answers a message and is no message itself, but counts in the rates on the safe side (Meta does
            not say that it does not).
        state: as read.
        now_ms: the gateway's wall clock.
    """
    if _unwanted(kind, state.opted_out):
        return OPT_OUT
    if kind == "free" and not _window_open(state, now_ms):
        return WINDOW
    if kind == "template" and (state.template_unusable or state.templates_restricted):
        return TEMPLATE if state.template_unusable else RESTRICTED
    if state.breaker_open:
        return Wait("breaker", now_ms + BREAKER_PAUSE_MS)
    return _rates(state, now_ms)


def _unwanted(kind: Kind, opted_out: OptOut) -> bool:
    return (kind == "template" and opted_out != "") or (kind == "free" and opted_out == "all")


def _window_open(state: State, now_ms: int) -> bool:
    return state.window_ends_at is not None and now_ms < state.window_ends_at


def _rates(state: State, now_ms: int) -> Verdict:
    now_us = now_ms * 1000
    pair = PAIR.take(state.pair_tat_us, now_us)
    if pair is None:
        return Wait("pair_rate", _ms(PAIR.free_at_us(state.pair_tat_us)))
    number = NUMBER.take(state.number_tat_us, now_us)
    if number is None:
        return Wait("throughput", _ms(NUMBER.free_at_us(state.number_tat_us)))
    return Allow(pair, number)


def _ms(us: int) -> int:
    return -(-us // 1000)


REFUSALS = {refusal.rule: refusal for refusal in (OPT_OUT, WINDOW, TEMPLATE, RESTRICTED)}
