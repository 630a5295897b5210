"""What an error code of Meta's means for us; the table stands in error_codes.py.

Codes arrive asynchronously, in a status' `errors`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.whatsapp.error_codes import TABLE, Action
from shared.whatsapp.parts import MetaError

__all__ = ["Action", "Rule", "known_codes", "retriable", "rule", "worst"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an error code means. `code` is -1 for a code the table does not know."""

    code: int
    action: Action
    reason_es: str
    remedy_es: str


_RETRIABLE = frozenset({Action.BACK_OFF, Action.DELAY_RECIPIENT, Action.SLOW_NUMBER})

_RULES = {code: Rule(code, action, why, cure) for action, why, cure, codes in TABLE for code in codes}
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
