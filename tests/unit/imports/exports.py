"""A phone that exports chats in any language: dates by CLDR (Babel), words typed from real exports.

It shares nothing with the parser: what it writes is what WhatsApp writes, its tables are its own.
"""

# ruff: noqa: FBT001 - local times as phones print them; letters and marks of all languages

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_time

LRM, RLM, NNBSP = "\u200e", "\u200f", "\u202f"
DIGITS = {
    "arab": "٠١٢٣٤٥٦٧٨٩",
    "arabext": "۰۱۲۳۴۵۶۷۸۹",
    "beng": "০১২৩৪৫৬৭৮৯",
    "deva": "०१२३४५६७८९",
    "mymr": "၀၁၂၃၄၅၆၇၈၉",
}
Kind = Literal["text", "omitted", "attached", "edited", "deleted", "system", "poll", "place"]


@dataclass(frozen=True)
class Wrote:
    """What somebody did in the chat."""

    at: datetime
    who: str
    kind: Kind
    text: str = ""
    file: str = ""


@dataclass(frozen=True)
class Words:
    omitted: str
    photo_omitted: str
    attached: str
    attachment: str
    edited: str
    deleted: str
    notice: str
    poll: str
    option: str


WORDS = {
    "es": Words(
        "<Multimedia omitido>",
        "imagen omitida",
        "archivo adjunto",
        "adjunto",
        "<Se editó este mensaje.>",
        "Se eliminó este mensaje.",
        "Los mensajes y las llamadas están cifrados de extremo a extremo.",
        "ENCUESTA",
        "OPCIÓN",
    ),
    "en": Words(
        "<Media omitted>",
        "image omitted",
        "file attached",
        "attached",
        "<This message was edited>",
        "This message was deleted",
        "Messages and calls are end-to-end encrypted. Learn more.",
        "POLL",
        "OPTION",
    ),
    "de": Words(
        "<Medien ausgeschlossen>",
        "Bild weggelassen",
        "Datei angehängt",
        "Anhang",
        "<Diese Nachricht wurde bearbeitet>",
        "Diese Nachricht wurde gelöscht.",
        "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.",
        "UMFRAGE",
        "OPTION",
    ),
    "pt": Words(
        "<Mídia oculta>",
        "imagem ocultada",
        "arquivo anexado",
        "anexado",
        "<Mensagem editada>",
        "Mensagem apagada",
        "As mensagens e ligações são protegidas com a criptografia de ponta a ponta.",
        "ENQUETE",
        "OPÇÃO",
    ),
    "ar": Words(
        "<تم استبعاد الوسائط>",
        "تم استبعاد الصورة",
        "الملف مرفق",
        "مرفق",
        "<تم تعديل هذه الرسالة>",
        "تم حذف هذه الرسالة",
        "الرسائل والمكالمات مشفرة تمامًا بين الطرفين: لا يمكن لأحد قراءتها.",
        "استطلاع",
        "خيار",
    ),
}


def digits(text: str, system: str) -> str:
    return text.translate(str.maketrans("0123456789", DIGITS[system])) if system in DIGITS else text


def stamp(at: datetime, locale: str, seconds: bool, comma: str = ", ") -> str:
    """Date and time as ICU prints them in a language."""
    known = Locale.parse(locale)
    day = format_date(at.date(), "short", locale=known)
    clock = format_time(at.time(), "medium" if seconds else "short", locale=known)
    return digits(f"{day}{comma}{clock}", known.default_numbering_system)


def buddhist(at: datetime, seconds: bool) -> str:
    year = at.year + 543
    return (
        f"{at.day}/{at.month}/{year} {at:%H:%M:%S}" if seconds else f"{at.day}/{at.month}/{year} {at:%H:%M}"
    )


def persian(at: datetime, seconds: bool) -> str:
    """Solar Hijri by counting days from the known first days of its years."""
    starts = {
        1399: date(2020, 3, 20),
        1400: date(2021, 3, 21),
        1401: date(2022, 3, 21),
        1402: date(2023, 3, 21),
        1403: date(2024, 3, 20),
        1404: date(2025, 3, 21),
        1405: date(2026, 3, 21),
    }
    year, first = max((year, day) for year, day in starts.items() if day <= at.date())
    left, month = (at.date() - first).days, 1
    while left >= (31 if month <= 6 else 30):
        left -= 31 if month <= 6 else 30
        month += 1
    shown = f"{year}/{month}/{left + 1}،{RLM} " + (f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}")
    return digits(shown, "arabext")


def android(said: Sequence[Wrote], locale: str, words: Words) -> list[str]:
    """Lines as WhatsApp for Android writes them."""
    return [line for one in said for line in _android(one, stamp(one.at, locale, seconds=False), words)]


def ios(said: Sequence[Wrote], locale: str, words: Words) -> list[str]:
    """Lines as WhatsApp for iOS writes them."""
    return [line for one in said for line in _ios(one, stamp(one.at, locale, seconds=True), words)]


def _android(one: Wrote, at: str, words: Words) -> list[str]:
    head = f"{at} - {one.who}: "
    caption = [f"\n{one.text}"] if one.text else []
    body = {
        "text": one.text,
        "omitted": "".join([words.omitted, *caption]),
        "attached": "".join([f"{one.file} ({words.attached})", *caption]),
        "edited": f"{one.text} {words.edited}",
        "deleted": words.deleted,
        "poll": f"{words.poll}:\n{one.text}\n{words.option}: sí (2)\n{words.option}: no (1)",
        "place": "https://maps.google.com/?q=19.4326,-99.1332",
        "system": words.notice,
    }[one.kind]
    whole = f"{at} - {body}" if one.kind == "system" else head + body
    return whole.split("\n")


def _ios(one: Wrote, at: str, words: Words) -> list[str]:
    caption = f"{one.text} " if one.text else ""
    body = {
        "text": one.text,
        "omitted": f"{caption}{LRM}{words.photo_omitted}",
        "attached": f"{caption}{LRM}<{words.attachment}: {one.file}>",
        "edited": f"{one.text} {LRM}{words.edited}",
        "deleted": f"{LRM}{words.deleted}",
        "poll": f"{LRM}{words.poll}:\n{one.text}\n{LRM}{words.option}: sí ({LRM}2 votos)",
        "place": f"{LRM}Ubicación: https://maps.google.com/?q=19.4326,-99.1332",
        "system": f"{LRM}{words.notice}",
    }[one.kind]
    mark = LRM if body.startswith(LRM) else ""
    return f"{mark}[{at}] {one.who}: {body}".split("\n")
