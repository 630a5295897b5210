"""What a WhatsApp message says in words, by where they stand; read from Meta's message object as sealed.

Members may be missing or of any type: a payload that is kept must also be indexable. Source of the shapes:
Meta, webhooks reference, "messages" pages (2026-06).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.search.fold import fold

MAX_TEXT = 100_000  # characters a field; WhatsApp's longest text has 65,536 bytes
_URL = re.compile(r"https?://[^\s<>\"']{1,2000}|\bwww\.[^\s<>\"']{1,2000}", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:https?://)?(?:[^/@\s]*@)?(?:www\.)?([^/:?#\s]+)", re.IGNORECASE)
_HASHTAG = re.compile(r"(?<![\w&])#(\w{1,100})")
_MENTION = re.compile(r"(?<![\w.])@(\w[\w.]{0,99})")
_PHONE = re.compile(r"(?<![\w#])\+?\d[\d\s().-]{7,20}\d(?!\w)")
_EMOJI = re.compile("[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf\u2b50\u2b55]")
MIN_DIGITS, MAX_DIGITS = 10, 15  # a Mexican national number; ITU-T E.164 s.6.2.1
MX_OLD = 13  # digits of 521 + ten
MX_NATIONAL = 10


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of a message by the place they stand in; each may be empty."""

    body: list[str] = field(default_factory=list)
    caption: list[str] = field(default_factory=list)
    filename: list[str] = field(default_factory=list)
    place: list[str] = field(default_factory=list)
    cards: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Every text."""
        return [*self.body, *self.caption, *self.filename, *self.place, *self.cards]


def words(message: Any) -> Words:
    """The words of a Meta message object, whatever its type."""
    top = _member(message)
    if top.get("type") == "edit":
        return words(_member(top, "edit").get("message"))
    media = [_member(top, kind) for kind in ("image", "video", "audio", "document", "sticker")]
    return Words(
        body=[*_body(top)],
        caption=[*_texts(*(each.get("caption") for each in media))],
        filename=[*_texts(*(each.get("filename") for each in media))],
        place=[*_texts(*(_member(top, "location").get(name) for name in ("name", "address")))],
        cards=[*_cards(top.get("contacts"))],
    )


def _body(top: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(_member(top, "text").get("body"), _member(top, "button").get("text"))
    yield from _texts(_member(top, "order").get("text"), _member(top, "system").get("body"))
    interactive = _member(top, "interactive")
    for reply in ("button_reply", "list_reply", "nfm_reply"):
        chosen = _member(interactive, reply)
        yield from _texts(chosen.get("title"), chosen.get("description"), chosen.get("body"))
    for part in ("header", "body", "footer"):
        yield from _texts(_member(interactive, part).get("text"))
    referral = _member(top, "referral")
    yield from _texts(referral.get("headline"), referral.get("body"))
    yield from _template(_member(top, "template"))


def _template(template: Mapping[str, Any]) -> Iterator[str]:
    for component in _items(template.get("components")):
        for parameter in _items(_member(component).get("parameters")):
            yield from _texts(_member(parameter).get("text"))


def _cards(cards: Any) -> Iterator[str]:
    for card in _items(cards):
        entry = _member(card)
        yield from _texts(_member(entry, "name").get("formatted_name"))
        org = _member(entry, "org")
        yield from _texts(org.get("company"), org.get("department"), org.get("title"))
        for phone in _items(entry.get("phones")):
            yield from _texts(_member(phone).get("phone"))
        for address in _items(entry.get("emails")):
            yield from _texts(_member(address).get("email"))


def _member(value: Any, name: str | None = None) -> Mapping[str, Any]:
    found = value if name is None else value.get(name)
    return found if isinstance(found, Mapping) else {}


def _items(value: Any) -> list[Any]:
    return value[:100] if isinstance(value, list) else []


def _texts(*values: Any) -> Iterator[str]:
    for value in values:
        if isinstance(value, str) and value.strip():
            yield value[:MAX_TEXT]


def hashtags(texts: list[str]) -> list[str]:
    """`#Sismo` -> `sismo`, each once, in order."""
    return _unique(fold(tag) for text in texts for tag in _HASHTAG.findall(text))


def mentions(texts: list[str]) -> list[str]:
    """`@Protección.Civil` -> `proteccion.civil`."""
    return _unique(fold(name).rstrip(".") for text in texts for name in _MENTION.findall(text))


def urls(texts: list[str]) -> list[str]:
    """Addresses of pages as written, without trailing punctuation."""
    return _unique(found.rstrip(".,;:!?)]»”") for text in texts for found in _URL.findall(text))


def domains(addresses: list[str]) -> list[str]:
    """Hosts of addresses, lower case, without `www.`."""
    found = (_DOMAIN.match(address) for address in addresses)
    return _unique(match.group(1).lower() for match in found if match)


def emojis(texts: list[str]) -> list[str]:
    """Each emoji (base character) once."""
    return _unique(found for text in texts for found in _EMOJI.findall(text))


def phones(texts: list[str], without: Iterable[str] = ()) -> list[str]:
    """Numbers written in a text: canonical digits and their last ten; never those of `without`, the sender's.

    Mexican numbers lose the 1 that old accounts carry after 52 (Meta, "Phone numbers": Brazil and Mexico).
    """
    own = [form for number in without for form in forms(number)]
    found = (form for text in texts for match in _PHONE.findall(text) for form in forms(match))
    return _unique(form for form in found if form not in own)


def forms(number: str) -> list[str]:
    """Canonical digits of a number and its last ten; nothing where it is no phone number."""
    digits = "".join(each for each in number if each.isascii() and each.isdigit())
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS:
        return []
    if len(digits) == MX_OLD and digits.startswith("521"):
        digits = "52" + digits[3:]
    return _unique([digits, digits[-MX_NATIONAL:]])


def _unique(found: Any) -> list[str]:
    return list(dict.fromkeys(found))
