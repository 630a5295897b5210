"""Meta's error codes: what each means for us, what we do, and what a person is told.

Source: Meta, WhatsApp Cloud API, "Error codes" (2025-12-12); 131042 also AWS End User Messaging Social user
guide, "Troubleshooting" (often transient). Codes arrive asynchronously, in a status' `errors`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from shared.whatsapp.parts import MetaError


class Action(StrEnum):
    """What the system does about an error, from gentlest to hardest."""

    SHOW = "show"  # keep the message, show what happened
    MARK = "mark"  # this message failed for good; the person may try another way
    BACK_OFF = "back_off"  # transient: later, with jitter
    DELAY_RECIPIENT = "delay_recipient"  # this person only; others go on
    SLOW_NUMBER = "slow_number"  # the number's rate is too high
    WAIT_DAY = "wait_day"  # not before 24 h have passed
    OFFER_TEMPLATE = "offer_template"  # the window is shut: our guard failed
    OPT_OUT = "opt_out"  # the person said no: write it down, never again
    FIX_MEDIA = "fix_media"
    DEAD_LETTER = "dead_letter"  # our request is wrong: no retry
    BLOCK_TEMPLATE = "block_template"
    BLOCK_FLOW = "block_flow"
    SHOW_EDITOR = "show_editor"  # a template could not be created
    STOP_BULK = "stop_bulk"  # stop everything that is not an answer
    ALARM = "alarm"  # a person must act; few retries
    RUNBOOK = "runbook"  # registration of the number: the runbook says how
    STOP = "stop"  # no permission: stop sending, page
    BREAK_CIRCUIT = "break_circuit"  # the account is blocked: stop all sends, page
    PARK = "park"  # unknown: keep it aside and tell


@dataclass(frozen=True, slots=True)
class Rule:
    """What an error code means. `code` is -1 for a code the table does not know."""

    code: int
    action: Action
    reason_es: str
    remedy_es: str


_RETRIABLE = frozenset({Action.BACK_OFF, Action.DELAY_RECIPIENT, Action.SLOW_NUMBER})

_TABLE: tuple[tuple[Action, str, str, tuple[int, ...]], ...] = (
    (
        Action.OFFER_TEMPLATE,
        "Pasaron más de 24 horas desde el último mensaje de la persona",
        "Envía una plantilla aprobada o espera a que escriba",
        (131047,),
    ),
    (
        Action.DELAY_RECIPIENT,
        "Demasiados mensajes seguidos a la misma persona",
        "Se enviará más tarde; los demás chats siguen",
        (131056,),
    ),
    (
        Action.SLOW_NUMBER,
        "El número alcanzó su límite de envíos",
        "Se enviará más tarde, más despacio",
        (130429, 4, 80007),
    ),
    (
        Action.STOP_BULK,
        "Meta limitó el número porque muchas personas lo bloquearon o reportaron",
        "Detén los envíos masivos y revisa su contenido",
        (131048,),
    ),
    (
        Action.WAIT_DAY,
        "Meta no lo entregó para cuidar la experiencia de la persona",
        "Espera al menos 24 horas antes de intentarlo de nuevo",
        (131049,),
    ),
    (
        Action.OPT_OUT,
        "La persona ya no quiere recibir mensajes de este tipo",
        "No vuelvas a enviarle; puede escribir cuando quiera",
        (131050,),
    ),
    (
        Action.MARK,
        "No se puede entregar: la persona no tiene WhatsApp, usa una versión vieja o no aceptó sus términos",
        "Pídele por otro medio que escriba o actualice WhatsApp",
        (131026,),
    ),
    (
        Action.MARK,
        "La persona está en un experimento de Meta y no recibe mensajes de empresas",
        "No reintentes; puede escribir ella primero",
        (130472,),
    ),
    (
        Action.BREAK_CIRCUIT,
        "Meta bloqueó la cuenta o el país",
        "Se detuvieron todos los envíos; revisa la cuenta en el administrador de Meta",
        (368, 131031, 130497),
    ),
    (
        Action.ALARM,
        "Hay un problema con el método de pago de la cuenta",
        "Revisa el pago en Meta; se intentará pocas veces más",
        (131042,),
    ),
    (
        Action.FIX_MEDIA,
        "Meta no pudo subir o descargar el archivo",
        "Revisa el formato y el tamaño, o pide que lo envíen otra vez",
        (131052, 131053),
    ),
    (
        Action.SHOW,
        "WhatsApp no entrega este tipo de mensaje a empresas",
        "Pide a la persona que lo envíe de otra forma",
        (131051, 131060),
    ),
    (
        Action.BACK_OFF,
        "Falla pasajera de Meta",
        "Se intentará de nuevo en un momento",
        (131000, 131016, 1, 2, 131057),
    ),
    (
        Action.STOP,
        "La cuenta no tiene permiso para hacer esto",
        "Se detuvieron los envíos; revisa permisos y credenciales",
        (131005, 0, 3, 10, 190, *range(200, 300)),
    ),
    (
        Action.DEAD_LETTER,
        "Meta no acepta la petición o el estado del número",
        "No reintentes; avisa a soporte con el código",
        (131008, 131009, 100, 33, 131021, 131037, 131045),
    ),
    (
        Action.DEAD_LETTER,
        "La plantilla no existe o sus datos no coinciden",
        "Revisa nombre, idioma y variables de la plantilla",
        (132000, 132001, 132005, 132007, 132012),
    ),
    (
        Action.BLOCK_TEMPLATE,
        "Meta pausó o deshabilitó la plantilla",
        "Usa otra plantilla y mejora esta",
        (132015, 132016),
    ),
    (
        Action.BLOCK_FLOW,
        "Meta bloqueó o limitó el formulario",
        "Usa otro formulario y revisa este",
        (132068, 132069),
    ),
    (
        Action.RUNBOOK,
        "El registro del número tiene un problema",
        "Sigue la guía de registro del número",
        (133000, 133004, 133005, 133006, 133008, 133009, 133010, 133016),
    ),
    (
        Action.SHOW_EDITOR,
        "Meta rechazó la plantilla al crearla",
        "Corrige la plantilla según el detalle y envíala otra vez",
        (2388019, 2388040, 2388047, 2388072, 2388073, 2388293, 2388299),
    ),
)
_RULES = {code: Rule(code, action, why, cure) for action, why, cure, codes in _TABLE for code in codes}
_UNKNOWN = ("Meta devolvió un código que no conocemos", "Quedó apartado; avisa a soporte con el código")


def rule(code: int | str | None) -> Rule:
    """What to do about a code; one we do not know is parked and told, never retried."""
    number = _number(code)
    return _RULES.get(number) or Rule(number, Action.PARK, *_UNKNOWN)


def worst(errors: Iterable[MetaError]) -> Rule | None:
    """The rule of the error that asks for the hardest action; None where there is no error."""
    order = list(Action)
    return max((rule(error.code) for error in errors), key=lambda one: order.index(one.action), default=None)


def retriable(found: Rule) -> bool:
    """Whether the same message may be sent again by the machine once its time has come."""
    return found.action in _RETRIABLE


def known_codes() -> tuple[int, ...]:
    """Every code of the table, for metrics' label sets and the docs."""
    return tuple(_RULES)


def _number(code: int | str | None) -> int:
    if isinstance(code, int):
        return code
    short = code or ""
    return int(short) if short.isascii() and short.isdigit() and len(short) <= 9 else -1  # noqa: PLR2004 - 7 digits and room
