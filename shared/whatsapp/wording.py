"""A message in words: what to search (`text`), and one line in Spanish (`preview`)."""

from collections.abc import Callable, Iterable
from typing import Any

from shared.whatsapp import messages as m
from shared.whatsapp import parts
from shared.whatsapp.calls import Call
from shared.whatsapp.identity import BUSINESS_INITIATED
from shared.whatsapp.parts import MetaError

PREVIEW_CHARS = 160


def attached(message: m.Message) -> parts.Media | None:
    """The one file a message may carry; that of its new content for an edit."""
    if isinstance(message, m.EditMessage):
        inner = message.edit.message if message.edit else None
        return attached(inner) if inner else None
    if isinstance(message, m.ImageMessage):
        return message.image
    if isinstance(message, m.VideoMessage):
        return message.video
    if isinstance(message, m.AudioMessage):
        return message.audio
    if isinstance(message, m.DocumentMessage):
        return message.document
    return message.sticker if isinstance(message, m.StickerMessage) else None


def text(message: m.Message) -> str:
    """What a person wrote or sent in words, one part a line: to be searched."""
    words = _WORDS.get(type(message))
    ad = message.referral
    found = [*(words(message) if words else ()), *((ad.headline, ad.body) if ad else ())]
    return "\n".join(part for part in found if part)


def preview(message: m.Message, *, seconds: float | None = None) -> str:
    """One line in Spanish."""
    show = _PREVIEWS.get(type(message))
    return one_line(show(message, seconds) if show else "Mensaje de un tipo que no conocemos")


def call(said: Call) -> str:
    """A call in words: nobody answers here, so one that came in and has no duration was missed."""
    if said.direction == BUSINESS_INITIATED:
        return f"Llamada nuestra{length(_number(said.duration))}"
    duration = _number(said.duration)
    return f"Llamada{length(duration)}" if duration else "Llamada perdida"


def _number(value: float | str | None) -> float | None:
    """Seconds, which Meta also writes as a string."""
    if isinstance(value, str):
        return float(value) if value.isascii() and value.isdigit() else None
    return value


def one_line(shown: str) -> str:
    """At most 160 characters, white space folded."""
    flat = " ".join(shown.split())
    return flat if len(flat) <= PREVIEW_CHARS else flat[: PREVIEW_CHARS - 1] + "…"


def length(seconds: float | None) -> str:
    """Minutes and seconds behind a space (`0:12`); nothing where the length is not known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f" {minutes}:{rest:02d}"


def _text_words(message: Any) -> Iterable[str | None]:
    return (message.text.body,) if message.text else ()


def _file_words(message: Any) -> Iterable[str | None]:
    file = attached(message)
    return (file.caption, file.filename) if file else ()


def _place_words(message: Any) -> Iterable[str | None]:
    place = message.location
    return (place.name, place.address) if place else ()


def _card_words(message: Any) -> Iterable[str | None]:
    for card in message.contacts or ():
        yield card.name.formatted_name if card.name else None
        yield from (phone.phone for phone in card.phones or ())
        yield from (email.email for email in card.emails or ())
        yield card.org.company if card.org else None


def _answer_words(message: Any) -> Iterable[str | None]:
    answer = message.interactive
    choice = (answer.button_reply or answer.list_reply) if answer else None
    form = answer.nfm_reply if answer else None
    return (*((choice.title, choice.description) if choice else ()), form.body if form else None)


def _edit_words(message: Any) -> Iterable[str | None]:
    inner = message.edit.message if message.edit else None
    return (text(inner),) if inner else ()


_WORDS: dict[type[m.Message], Callable[[Any], Iterable[str | None]]] = {
    m.TextMessage: _text_words,
    m.ImageMessage: _file_words,
    m.VideoMessage: _file_words,
    m.AudioMessage: _file_words,
    m.DocumentMessage: _file_words,
    m.LocationMessage: _place_words,
    m.ContactsMessage: _card_words,
    m.InteractiveMessage: _answer_words,
    m.ButtonMessage: lambda message: (message.button.text,) if message.button else (),
    m.OrderMessage: lambda message: (message.order.text,) if message.order else (),
    m.SystemMessage: lambda message: (message.system.body,) if message.system else (),
    m.EditMessage: _edit_words,
}


def _named(label: str) -> Callable[[Any, float | None], str]:
    """A label, followed by the file's caption or name."""

    def show(message: Any, seconds: float | None) -> str:
        file = attached(message)
        words = (file.caption or file.filename) if file else None
        return f"{label}{length(seconds)}" + (f": {words}" if words else "")

    return show


def _audio(message: Any, seconds: float | None) -> str:
    file = attached(message)
    return ("Nota de voz" if file and file.voice else "Audio") + length(seconds)


def _place(message: Any, _: float | None) -> str:
    place = message.location
    words = (place.name or place.address) if place else None
    return f"Ubicación: {words}" if words else "Ubicación"


def _cards(message: Any, _: float | None) -> str:
    cards = message.contacts or []
    if len(cards) != 1:
        return f"{len(cards)} contactos"
    name = cards[0].name.formatted_name if cards[0].name else None
    return f"Contacto: {name}" if name else "Contacto"


def _reaction(message: Any, _: float | None) -> str:
    emoji = message.reaction.emoji if message.reaction else None
    return f"Reaccionó {emoji}" if emoji else "Quitó su reacción"


def _answer(message: Any, _: float | None) -> str:
    answer = message.interactive
    if answer and answer.call_permission_reply:
        accepted = answer.call_permission_reply.response == "accept"
        return "Aceptó recibir llamadas" if accepted else "No aceptó recibir llamadas"
    words = [word for word in _answer_words(message) if word]
    if answer and answer.nfm_reply:
        return "Formulario contestado"
    return words[0] if words else "Respuesta"


def _order(message: Any, _: float | None) -> str:
    count = len(message.order.product_items or ()) if message.order else 0
    return f"Pedido de {count} producto{'' if count == 1 else 's'}"


_SYSTEM = {
    "user_changed_number": "Cambió de número",
    "customer_changed_number": "Cambió de número",
    "user_changed_user_id": "Cambió su identificador de WhatsApp",
    "customer_identity_changed": "Cambió su código de seguridad",
}


def _system(message: Any, _: float | None) -> str:
    kind = message.system.type if message.system else None
    return _SYSTEM.get(kind or "", "Aviso de WhatsApp")


# Meta, "Unsupported messages webhook": what stands in `unsupported.type`. A picture or video that arrives this
# way can only be one to be seen once, a place only one that moves: the others of their kind are delivered.
_WITHHELD = {
    "image": "Foto para ver una sola vez",
    "video": "Video para ver una sola vez",
    "audio": "Nota de voz para escuchar una sola vez",
    "document": "Documento",
    "location": "Ubicación en tiempo real",
    "gif": "GIF",
    "group_invite": "Invitación a un grupo",
    "poll_creation": "Encuesta",
    "poll_update": "Voto en una encuesta",
    "product": "Producto",
    "order": "Pedido",
    "list": "Lista",
    "interactive": "Mensaje interactivo",
    "hsm": "Plantilla",
    "link_preview": "Enlace con vista previa",
    "keep_in_chat": "Mensaje conservado en un chat temporal",
    "pin": "Mensaje fijado",
    "reaction": "Reacción",
    "media_placeholder": "Archivo",
}


def _withheld(message: Any, _: float | None) -> str:
    """What a message was, as far as Meta says: it keeps some from businesses."""
    kind = (message.unsupported.type if message.unsupported else None) or ""
    known = _WITHHELD.get(kind)
    if known is None:
        return "Mensaje que WhatsApp no entrega a empresas"
    return f"{known}: WhatsApp no lo entrega a empresas"


def withheld(message: m.Message) -> MetaError | None:
    """Why a message, or its file, did not come whole: the first of its own errors."""
    return next(iter(message.errors or ()), None)


def _edit(message: Any, _: float | None) -> str:
    inner = message.edit.message if message.edit else None
    return f"Editó: {preview(inner)}" if inner else "Editó un mensaje"


_PREVIEWS: dict[type[m.Message], Callable[[Any, float | None], str]] = {
    m.TextMessage: lambda message, _: (message.text.body if message.text else None) or "Mensaje vacío",
    m.ImageMessage: _named("Foto"),
    m.VideoMessage: _named("Video"),
    m.AudioMessage: _audio,
    m.DocumentMessage: _named("Documento"),
    m.StickerMessage: lambda *_: "Sticker",
    m.LocationMessage: _place,
    m.ContactsMessage: _cards,
    m.ReactionMessage: _reaction,
    m.InteractiveMessage: _answer,
    m.ButtonMessage: lambda message, _: (message.button.text if message.button else None) or "Botón",
    m.OrderMessage: _order,
    m.SystemMessage: _system,
    m.WelcomeMessage: lambda *_: "Abrió el chat",
    m.UnsupportedMessage: _withheld,
    m.PlaceholderMessage: lambda *_: "Archivo del historial",
    m.EditMessage: _edit,
    m.RevokeMessage: lambda *_: "Eliminó un mensaje",
}
