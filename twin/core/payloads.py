"""What Meta writes into a webhook for each thing a customer can do.

Shapes: developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages and its pages per type.
Every text, caption, file and file name gets a nonce of its own, so that the audit can tell any two apart.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twin.core import files
from twin.core.mint import Mint
from twin.core.model import Account, Customer, File, Media

Json = dict[str, Any]
Say = Mapping[str, Any]
MEDIA_LIFE_NS = (
    30 * 24 * 3600 * 1_000_000_000
)  # Meta keeps media 30 days (EUM Social: managing-media-files-s3)


class BadSayError(ValueError):
    """A customer cannot do that; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Who speaks, to whom, when (ns), with which luck."""

    account: Account
    customer: Customer
    mint: Mint
    now: int
    say: Say
    nonce: str

    def words(self, field: str = "text", default: str = "Hola, tengo información") -> str:
        """The text of a field with its nonce, or exactly as given where the act says `exact`."""
        text = str(self.say.get(field, default))
        return text if self.say.get("exact") else f"{text} ·{self.nonce}".strip()

    def target(self) -> str:
        """The message an act is about. Raises BadSayError without one."""
        target = self.say.get("target")
        if not target:
            raise BadSayError("target: give the wamid of the message this is about")
        return str(target)


@dataclass(frozen=True, slots=True)
class Content:
    """The part of a message that its type brings: fields, the text to compare, the files it carries."""

    fields: Json
    text: str = ""
    media: tuple[Media, ...] = ()
    with_contacts: bool = True


def _text(scene: Scene) -> Content:
    body = scene.words()
    return Content({"type": "text", "text": {"body": body}}, body)


def _keep(scene: Scene, file: File) -> Media:
    return Media(scene.mint.digits(16), file, scene.now + MEDIA_LIFE_NS)


def _file(scene: Scene, mime: str) -> File:
    mime = str(scene.say.get("mime", mime))
    if "data" in scene.say:
        return File(bytes(scene.say["data"]), mime, str(scene.say.get("filename", "")))
    try:
        return files.make(mime, scene.nonce)
    except KeyError:
        raise BadSayError(f"mime: none of {', '.join(files.MIMES)}; send the bytes as `data`") from None


def _media_part(media: Media, url: str) -> Json:
    part = {"mime_type": media.file.mime, "sha256": media.file.sha256_base64, "id": media.id}
    return part | ({"url": url} if url else {})


def _carrying(kind: str, mime: str) -> Callable[[Scene], Content]:
    """Image and video: a file, a caption where there are words, and Meta's own URL on every third."""

    def build(scene: Scene) -> Content:
        media = _keep(scene, _file(scene, mime))
        caption = scene.words() if "text" in scene.say else ""
        url = f"https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid={media.id}&source=webhook"
        part = _media_part(media, url if int(media.id) % 3 == 0 else "")
        part |= {"caption": caption} if caption else {}
        return Content({"type": kind, kind: part}, caption, (media,))

    return build


def _document(scene: Scene) -> Content:
    file = _file(scene, "application/pdf")
    stem = str(scene.say.get("filename", "nota.pdf"))
    base, dot, ending = stem.rpartition(".")
    name = stem if scene.say.get("exact") else f"{base or stem} {scene.nonce}{dot}{ending if dot else ''}"
    media = _keep(scene, File(file.data, file.mime, name))
    caption = scene.words() if "text" in scene.say else ""
    part = _media_part(media, "") | {"filename": name} | ({"caption": caption} if caption else {})
    return Content({"type": "document", "document": part}, caption, (media,))


def _audio(*, voice: bool) -> Callable[[Scene], Content]:
    def build(scene: Scene) -> Content:
        media = _keep(scene, _file(scene, "audio/ogg; codecs=opus" if voice else "audio/mpeg"))
        return Content({"type": "audio", "audio": _media_part(media, "") | {"voice": voice}}, media=(media,))

    return build


def _sticker(scene: Scene) -> Content:
    animated = bool(scene.say.get("animated"))
    file = files.animated_sticker(scene.nonce) if animated else _file(scene, "image/webp")
    media = _keep(scene, file)
    return Content(
        {"type": "sticker", "sticker": _media_part(media, "") | {"animated": animated}}, media=(media,)
    )


def _location(scene: Scene) -> Content:
    place: Json = {
        "latitude": float(scene.say.get("latitude", 19.4326)),
        "longitude": float(scene.say.get("longitude", -99.1332)),
    }
    name = scene.words("name", "") if "name" in scene.say else ""
    if name:
        place |= {"name": name, "address": str(scene.say.get("address", "Centro, Ciudad de México"))}
        place |= {"url": f"https://maps.google.com/?q={place['latitude']},{place['longitude']}"}
    return Content({"type": "location", "location": place}, name)


def _contacts(scene: Scene) -> Content:
    first = scene.words("name", "Lucía")
    number = f"52155{scene.mint.digits(8)}"
    phone = {"phone": f"+{number}", "wa_id": number, "type": "CELL"}
    name = {"first_name": first, "last_name": "Rojas", "formatted_name": f"{first} Rojas"}
    return Content({"type": "contacts", "contacts": [{"name": name, "phones": [phone]}]}, first)


def _reaction(scene: Scene) -> Content:
    emoji = scene.say.get("emoji", "👍")
    part: Json = {"message_id": scene.target()}
    part |= {} if emoji is None else {"emoji": str(emoji)}  # removed: empty, or no field at all
    return Content({"type": "reaction", "reaction": part}, str(emoji or ""))


def _button(scene: Scene) -> Content:
    text = scene.words(default="Sí")
    return Content({"type": "button", "button": {"payload": f"boton-{scene.nonce}", "text": text}}, text)


def _interactive(kind: str) -> Callable[[Scene], Content]:
    def build(scene: Scene) -> Content:
        title = scene.words(default="Opción")
        part: Json = {"id": f"opcion-{scene.nonce}", "title": title}
        if kind == "list_reply" and scene.say.get("description"):
            part["description"] = str(scene.say["description"])
        return Content({"type": "interactive", "interactive": {"type": kind, kind: part}}, title)

    return build


def _flow(scene: Scene) -> Content:
    answer = json.dumps({"comment_text": scene.words(default="Gracias"), "flow_token": scene.nonce})
    part = {"response_json": answer, "body": "Sent", "name": "flow"}
    return Content({"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": part}}, answer)


def _call_permission(scene: Scene) -> Content:
    accept = bool(scene.say.get("accept", True))
    part: Json = {"response": "accept" if accept else "reject", "response_source": "user_action"}
    part |= {"expiration_timestamp": scene.now // 1_000_000_000 + 7 * 86400} if accept else {}
    kind = "call_permission_reply"
    return Content({"type": "interactive", "interactive": {"type": kind, kind: part}})


def _order(scene: Scene) -> Content:
    item = {"product_retailer_id": scene.nonce, "quantity": 2, "item_price": 30, "currency": "MXN"}
    text = scene.words(default="Pedido")
    order = {"catalog_id": scene.mint.digits(15), "text": text, "product_items": [item]}
    return Content({"type": "order", "order": order}, text)


def _changed_number(scene: Scene) -> Content:
    new = str(scene.say.get("new_wa_id") or f"52155{scene.mint.digits(8)}")
    was, name = scene.customer.wa_id, scene.customer.name
    body = f"User {name} changed from {was} to {new}"
    user_id = scene.mint.user_id("MX")  # Meta: a new number brings a new business-scoped id
    system = {"body": body, "wa_id": new, "user_id": user_id, "type": "user_changed_number"}
    return Content({"type": "system", "system": system}, body, with_contacts=False)


def _changed_user_id(scene: Scene) -> Content:
    new = scene.mint.user_id("MX")
    body = f"User {scene.customer.name} changed from {scene.customer.user_id} to {new}"
    system = {"body": body, "user_id": new, "type": "user_changed_user_id"}
    return Content({"type": "system", "system": system}, body, with_contacts=False)


def _changed_identity(scene: Scene) -> Content:
    digest = hashlib.sha256(scene.nonce.encode()).hexdigest()[:16]
    second = str(scene.now // 1_000_000_000)
    identity = {"acknowledged": True, "created_timestamp": second, "hash": digest}
    system = {"body": "User identity changed", "type": "customer_identity_changed"}
    return Content({"type": "system", "identity": identity, "system": system}, system["body"])


def _unsupported(scene: Scene) -> Content:
    error = {
        "code": 131051,
        "title": "Message type unknown",
        "message": "Message type unknown",
        "error_data": {"details": "Message type is currently not supported."},
    }
    fields: Json = {"type": "unsupported", "errors": [error]}
    what = scene.say.get("unsupported")
    return Content(fields | ({"unsupported": {"type": str(what)}} if what else {}))


def _edit(scene: Scene) -> Content:
    body = scene.words(default="Texto corregido")
    change = {"type": "text", "text": {"body": body}}
    if scene.say.get("caption_of"):
        media = _keep(scene, _file(scene, "image/jpeg"))
        part = _media_part(media, "") | {"caption": body}
        edit = {"original_message_id": scene.target(), "message": {"type": "image", "image": part}}
        return Content({"type": "edit", "edit": edit}, body, (media,))
    return Content({"type": "edit", "edit": {"original_message_id": scene.target(), "message": change}}, body)


def _revoke(scene: Scene) -> Content:
    return Content({"type": "revoke", "revoke": {"original_message_id": scene.target()}})


def _welcome(_: Scene) -> Content:
    return Content({"type": "request_welcome"})


BUILDERS: dict[str, Callable[[Scene], Content]] = {
    "text": _text,
    "image": _carrying("image", "image/jpeg"),
    "video": _carrying("video", "video/mp4"),
    "audio": _audio(voice=False),
    "voice": _audio(voice=True),
    "document": _document,
    "sticker": _sticker,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _button,
    "button_reply": _interactive("button_reply"),
    "list_reply": _interactive("list_reply"),
    "nfm_reply": _flow,
    "call_permission_reply": _call_permission,
    "order": _order,
    "user_changed_number": _changed_number,
    "user_changed_user_id": _changed_user_id,
    "customer_identity_changed": _changed_identity,
    "unsupported": _unsupported,
    "edit": _edit,
    "revoke": _revoke,
    "request_welcome": _welcome,
}
OPENS_NO_WINDOW = frozenset({"system", "edit", "revoke"})
CONTENT_TYPES = ("text", "image", "video", "audio", "voice", "document", "sticker", "location", "contacts")


def content(scene: Scene) -> Content:
    """Build what this act says. Raises BadSayError for an unknown type or a missing field."""
    kind = str(scene.say.get("type", "text"))
    try:
        return BUILDERS[kind](scene)
    except KeyError:
        raise BadSayError(f"type: {kind!r} is none of {', '.join(BUILDERS)}") from None


def message(scene: Scene, wamid: str, what: Content) -> Json:
    """The member of `messages[]`: author, id, time, context, referral and the content."""
    author: Json = {} if scene.customer.hidden else {"from": scene.customer.wa_id}
    if scene.customer.username or scene.customer.hidden:
        author["from_user_id"] = scene.customer.user_id
    base = author | {"id": wamid, "timestamp": str(scene.now // 1_000_000_000)}
    return _context(scene) | _referral(scene) | base | what.fields


def _context(scene: Scene) -> Json:
    context: Json = {}
    if scene.say.get("reply_to"):
        context |= {"from": scene.account.display, "id": str(scene.say["reply_to"])}
    for flag in ("forwarded", "frequently_forwarded"):
        context |= {flag: True} if scene.say.get(flag) else {}
    return {"context": context} if context else {}


def _referral(scene: Scene) -> Json:
    if not scene.say.get("referral"):
        return {}
    referral = {
        "source_url": "https://fb.me/anuncio",
        "source_id": scene.mint.digits(15),
        "source_type": "ad",
        "headline": f"Denuncia ciudadana {scene.nonce}",
        "body": "Escríbenos",
        "media_type": "image",
        "image_url": "https://fb.me/anuncio.jpg",
        "ctwa_clid": scene.mint.alnum(24),
    }
    return {"referral": referral}


def contact(customer: Customer) -> Json:
    """The member of `contacts[]` that comes with a message."""
    profile = {"name": customer.name} | ({"username": customer.username} if customer.username else {})
    number = {} if customer.hidden else {"wa_id": customer.wa_id}
    return {"profile": profile} | number | {"user_id": customer.user_id}
