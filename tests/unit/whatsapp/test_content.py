from typing import Any

import pytest

from shared.whatsapp import content, outgoing
from shared.whatsapp.envelope import parse
from shared.whatsapp.items import MessageItem, items
from shared.whatsapp.messages import Message, model_for
from tests.conformance.fuzz import FIXTURES


def facts(name: str, seconds: float | None = None) -> content.Content:
    (item,) = items(parse((FIXTURES / f"{name}.json").read_text()))
    assert isinstance(item, MessageItem)
    return content.of(item.message, seconds=seconds)


def message(**members: Any) -> Message:
    return model_for(members).model_validate(members)


@pytest.mark.parametrize(
    ("name", "preview"),
    [
        ("message-text", "Se cayó una barda en la Roma, hay dos heridos 🙏"),
        ("message-image", "Foto: La barda"),
        ("message-video", "Video: Video"),
        ("message-document", "Documento: Acta"),
        ("message-sticker", "Sticker"),
        ("message-location", "Ubicación: Zócalo"),
        ("message-location-current", "Ubicación"),
        ("message-contacts", "Contacto: Beto Prueba"),
        ("message-reaction", "Reaccionó 😮"),
        ("message-reaction-removed", "Quitó su reacción"),
        ("message-reaction-emptied", "Quitó su reacción"),
        ("message-interactive-button", "Sí"),
        ("message-interactive-list", "Zona norte"),
        ("message-interactive-flow", "Formulario contestado"),
        ("message-interactive-call-permission", "Aceptó recibir llamadas"),
        ("message-interactive-without-body", "Respuesta"),
        ("message-button", "Darme de baja"),
        ("message-order", "Pedido de 1 producto"),
        ("message-request-welcome", "Abrió el chat"),
        ("message-unsupported", "Encuesta: WhatsApp no lo entrega a empresas"),
        ("message-unknown-old", "Mensaje de un tipo que no conocemos"),
        ("message-new-type", "Mensaje de un tipo que no conocemos"),
        ("message-system-number", "Cambió de número"),
        ("message-system-identity", "Cambió su código de seguridad"),
        ("message-edit", "Editó: Foto: Corregido"),
        ("message-revoke", "Eliminó un mensaje"),
        ("echo-text", "Desde el teléfono"),
    ],
)
def test_previews(name: str, preview: str) -> None:
    assert facts(name).preview == preview


def test_voice_notes_show_their_length_once_it_is_known() -> None:
    assert facts("message-audio-voice").preview == "Nota de voz"
    assert facts("message-audio-voice", 12.4).preview == "Nota de voz 0:12"
    assert facts("message-audio-voice", 3661).preview == "Nota de voz 61:01"
    assert content.of(message(type="audio", audio={"id": "1"})).preview == "Audio"


def test_media() -> None:
    assert facts("message-image").media == (
        content.File(0, "600100", "image/jpeg", "aGFzaA==", None, "La barda"),
    )
    (document,) = facts("message-document").media
    assert (document.filename, document.mime) == ("acta.pdf", "application/pdf")
    (edited,) = facts("message-edit").media
    assert edited.id == "600105"
    assert facts("message-text").media == ()


def test_flags() -> None:
    assert facts("message-text-forwarded").flags == ("forwarded",)
    assert facts("message-text-frequently-forwarded").flags == ("forwarded", "frequently_forwarded")
    assert facts("message-audio-voice").flags == ("voice",)
    assert facts("message-sticker").flags == ("animated",)
    assert facts("message-text-referral").flags == ("from_ad",)
    assert facts("message-text-group").flags == ("group",)
    assert facts("message-text").flags == ()


def test_text_to_search() -> None:
    assert facts("message-document").text == "Acta\nacta.pdf"
    assert facts("message-location").text == "Zócalo\nCentro, CDMX"
    assert facts("message-contacts").text == "Beto Prueba\n+52 55 0000 0002\nbeto@example.org\nObras"
    assert facts("message-interactive-list").text == "Zona norte\nGAM y Azcapotzalco"
    assert facts("message-text-referral").text == "Vi su anuncio\nDenuncia\nCuéntanos"
    assert facts("message-edit").text == "Corregido"
    assert facts("message-sticker").text == ""


def test_quoted_and_target() -> None:
    assert facts("message-text-reply").reply_to == "wamid.EARLIER=="
    for name in ("message-reaction", "message-edit", "message-revoke"):
        assert facts(name).target == "wamid.EARLIER=="
    assert facts("message-text").target is None


def test_a_preview_is_one_short_line() -> None:
    shown = content.of(message(type="text", text={"body": "a\nb  " * 200})).preview
    assert len(shown) == 160
    assert "\n" not in shown
    assert content.of(message(type="text")).preview == "Mensaje vacío"
    assert content.of(message(type="contacts", contacts=[{}, {}])).preview == "2 contactos"


@pytest.mark.parametrize(
    "kind",
    [
        "text",
        "image",
        "video",
        "audio",
        "document",
        "sticker",
        "location",
        "contacts",
        "reaction",
        "order",
        "edit",
    ],
)
def test_a_type_without_its_body_still_has_facts(kind: str) -> None:
    assert content.of(message(type=kind)).preview


def test_ours_by_the_same_rules() -> None:
    text = outgoing.parse({"type": "text", "text": {"body": "Gracias"}, "context": {"message_id": "wamid.X"}})
    template = outgoing.parse(
        {"type": "template", "template": {"name": "aviso", "language": {"code": "es_MX"}}}
    )
    assert content.of_outgoing(text).preview == "Gracias"
    assert content.of_outgoing(text).reply_to == "wamid.X"
    assert content.of_outgoing(template).preview == "Plantilla aviso"
    assert (content.of_outgoing(template).kind, content.of_outgoing(template).text) == ("template", "")
