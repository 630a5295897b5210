"""Who writes to the newsroom: a seeded handful of people of the kinds that exist."""

from twin.core.mint import Mint
from twin.core.model import Customer

_NAMES = (
    "Ana Pérez",
    "Bruno Salas",
    "Carmen Ortiz",
    "Diego Luna",
    "Elena Ríos",
    "Fidel Mora",
    "Gina Vázquez",
    "Hugo Peña",
    "Irma Solís",
    "Joel Núñez",
    "Karla Ibáñez",
    "Luis Ávila",
)
_OLD_MEXICAN, _NEW_MEXICAN = ("5215555", "MX"), ("525556", "MX")
# Numbers of Mexico as old and as new accounts have them, and neighbours; all in ranges kept for fiction or unused.
_COUNTRIES = (_OLD_MEXICAN, _NEW_MEXICAN, _OLD_MEXICAN, ("1555010", "US"), ("34600000", "ES"))
_HIDDEN_EACH = 8  # every eighth is a username adopter whose number Meta withholds


def person(index: int, mint: Mint) -> Customer:
    """The index-th customer; id `c001` and so on."""
    prefix, country = _COUNTRIES[index % len(_COUNTRIES)]
    hidden = index % _HIDDEN_EACH == _HIDDEN_EACH - 1
    return Customer(
        id=f"c{index + 1:03d}",
        wa_id=prefix + f"{index:0{_digits(prefix, country)}d}",
        user_id=mint.user_id(country),
        name=f"{_NAMES[index % len(_NAMES)]} ~{mint.nonce()}",
        username=f"usuario.{mint.hex(6)}" if hidden or index % 5 == 4 else "",  # noqa: PLR2004 - every fifth
        hidden=hidden,
    )


def _digits(prefix: str, country: str) -> int:
    whole = {"MX": 13 if prefix.startswith("521") else 12, "US": 11, "ES": 11}[country]
    return whole - len(prefix)
