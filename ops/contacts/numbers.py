"""Numbers as people write them in an address book, as WhatsApp writes them; pure.

Sources: ITU-T E.164 s.6.2.1 (at most 15 digits); Plan Técnico Fundamental de Numeración of Mexico (2019-08: ten
digits, no prefixes 01, 044 and 045 any more, which old address books still hold); RFC 3966 (tel: URIs).
"""

import re

from shared.whatsapp.identity import canonical_phone

_PARAMETERS = re.compile(r"(?:;|,|\bext\.?|\bx)\s*.*$", re.IGNORECASE | re.DOTALL)
_NOISE = re.compile(r"[\s().\-/\u00a0\u2007\u2010-\u2015\u200b-\u200f\u202a-\u202f\u2060-\u2069\ufeff]")
_OLD_PREFIX = re.compile(r"(?:01|044|045)(\d{10})")
HOME = "52"  # Mexico
_NATIONAL = 10
_SHORTEST, _LONGEST = 8, 15


def number(written: str, home: str = HOME) -> str | None:
    """The number by which a person is known, digits only with country code; None where that cannot be said.

    Args:
        written: as in the address book.
        home: country code of what has none.
    """
    text = _NOISE.sub("", _PARAMETERS.sub("", written.strip().removeprefix("tel:")))
    plus = text.startswith(("+", "00"))
    digits = text.removeprefix("+") if text.startswith("+") else text.removeprefix("00") if plus else text
    if not (digits.isascii() and digits.isdigit()):
        return None
    full = digits if plus else _national(digits, home)
    if full is None or not _SHORTEST <= len(full) <= _LONGEST:
        return None
    return canonical_phone(full)


def _national(digits: str, home: str) -> str | None:
    """Digits without a plus: a national number, or one that begins with the country code all the same."""
    old = _OLD_PREFIX.fullmatch(digits) if home == HOME else None
    if old:
        return home + old.group(1)
    if len(digits) == _NATIONAL:
        return home + digits
    rest = digits.removeprefix(home)
    mobile = home == HOME and len(rest) == _NATIONAL + 1 and rest.startswith("1")  # 521, as before 2019
    return digits if rest != digits and (len(rest) == _NATIONAL or mobile) else None
