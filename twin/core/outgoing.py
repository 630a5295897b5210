"""Reading what the business sends: Meta's message object, checked as the Cloud API checks it.

Source: developers.facebook.com/docs/whatsapp/cloud-api/reference/messages and .../support/error-codes.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from twin.core.model import sha256_hex

Json = dict[str, Any]
MAX_BLOB = 2_048_000  # botocore model socialmessaging: WhatsAppMessageBlob
MAX_TEXT = 4096  # reference/messages: text.body
MAX_CAPTION = 1024  # reference/messages: caption
MAX_CALLBACK = 512  # reference/messages: biz_opaque_callback_data
MEDIA_TYPES = ("image", "video", "audio", "document", "sticker")
TYPES = ("text", *MEDIA_TYPES, "location", "contacts", "reaction", "interactive", "template")


class Unreadable(Exception):  # noqa: N818 - named after what EUM Social says of it
    """EUM Social refuses at once; `error` is the exception of its service model."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A send as understood. `problem` is Meta's code for what is wrong with it, 0 where nothing is."""

    type: str
    to: str = ""
    user_id: str = ""
    text: str = ""
    media_id: str = ""
    target: str = ""
    callback: str = ""
    template: tuple[str, str, int] | None = None
    problem: int = 0
    detail: str = ""
    body: Json = field(default_factory=dict)

    @property
    def text_sha256(self) -> str:
        """Hash of the words, empty where there are none."""
        return sha256_hex(self.text.encode("utf-8", "surrogatepass")) if self.text else ""


def parse(blob: bytes) -> Outgoing:
    """Understand a message object. Raises Unreadable where EUM Social would refuse at once."""
    body = _object(blob)
    if body.get("status") == "read":
        return _receipt(body)
    kind = body.get("type", "text")
    to, user_id = str(body.get("to") or "").lstrip("+"), str(body.get("recipient") or "")
    if not to and not user_id:
        raise Unreadable("InvalidParametersException", "to: name the recipient")
    base = _content(body, str(kind))
    callback = body.get("biz_opaque_callback_data", "")
    bad_callback = not isinstance(callback, str) or len(callback) > MAX_CALLBACK
    problem = (100, f"biz_opaque_callback_data: at most {MAX_CALLBACK} characters") if bad_callback else None
    return _with(base, body, to, user_id, "" if bad_callback else callback, problem)


def _object(blob: bytes) -> Json:
    if not 1 <= len(blob) <= MAX_BLOB:
        raise Unreadable("ValidationException", f"message: 1 to {MAX_BLOB} bytes")
    try:
        body = json.loads(blob)
    except ValueError:
        raise Unreadable("InvalidParametersException", "message: not JSON") from None
    if not isinstance(body, dict) or body.get("messaging_product") != "whatsapp":
        raise Unreadable("InvalidParametersException", "messaging_product: must be whatsapp")
    return body


def _receipt(body: Json) -> Outgoing:
    target = body.get("message_id")
    if not isinstance(target, str) or not target:
        return Outgoing("read", problem=131008, detail="message_id is required", body=body)
    return Outgoing("typing" if "typing_indicator" in body else "read", target=target, body=body)


def _with(
    base: Outgoing, body: Json, to: str, user_id: str, callback: str, problem: tuple[int, str] | None
) -> Outgoing:
    code, detail = problem or (base.problem, base.detail)
    context = body.get("context")
    target = base.target or (str(context.get("message_id", "")) if isinstance(context, dict) else "")
    return Outgoing(
        base.type, to, user_id, base.text, base.media_id, target, callback, base.template, code, detail, body
    )


def _content(body: Json, kind: str) -> Outgoing:
    part = body.get(kind)
    if kind not in TYPES:
        return Outgoing(kind, problem=100, detail=f"type: none of {', '.join(TYPES)}")
    if kind == "contacts":
        return _shared_contacts(part)
    if not isinstance(part, dict):
        return Outgoing(kind, problem=131008, detail=f"{kind} is required")
    if kind in MEDIA_TYPES:
        return _media(kind, part)
    return {"text": _text, "location": _location, "reaction": _reaction, "template": _template}.get(
        kind, _interactive
    )(part)


def _shared_contacts(part: Any) -> Outgoing:
    if not isinstance(part, list) or not part:
        return Outgoing("contacts", problem=131008, detail="contacts is required")
    return Outgoing("contacts")


def _text(part: Json) -> Outgoing:
    text = part.get("body")
    if not isinstance(text, str) or not text:
        return Outgoing("text", problem=131008, detail="text.body is required")
    too_long = len(text) > MAX_TEXT
    detail = f"text.body must be at most {MAX_TEXT} characters long" if too_long else ""
    return Outgoing("text", text=text, problem=100 if too_long else 0, detail=detail)


def _media(kind: str, part: Json) -> Outgoing:
    media_id, link, caption = str(part.get("id") or ""), part.get("link"), str(part.get("caption") or "")
    if bool(media_id) == bool(link):
        return Outgoing(kind, problem=131008, detail=f"{kind}: give exactly one of id and link")
    too_long = len(caption) > MAX_CAPTION
    detail = f"{kind}.caption must be at most {MAX_CAPTION} characters long" if too_long else ""
    return Outgoing(kind, text=caption, media_id=media_id, problem=100 if too_long else 0, detail=detail)


def _location(part: Json) -> Outgoing:
    missing = [key for key in ("latitude", "longitude") if key not in part]
    if missing:
        return Outgoing("location", problem=131008, detail=f"location.{missing[0]} is required")
    return Outgoing("location", text=str(part.get("name") or ""))


def _reaction(part: Json) -> Outgoing:
    target = part.get("message_id")
    if not isinstance(target, str) or not target or "emoji" not in part:
        return Outgoing("reaction", problem=131008, detail="reaction needs message_id and emoji")
    return Outgoing("reaction", text=str(part["emoji"]), target=target)


def _interactive(part: Json) -> Outgoing:
    body = part.get("body")
    text = str(body.get("text", "")) if isinstance(body, dict) else ""
    missing = "type" not in part or "action" not in part
    detail = "interactive needs type and action" if missing else ""
    return Outgoing("interactive", text=text, problem=131008 if missing else 0, detail=detail)


def _template(part: Json) -> Outgoing:
    name, language = part.get("name"), part.get("language")
    code = language.get("code") if isinstance(language, dict) else None
    if not isinstance(name, str) or not isinstance(code, str):
        return Outgoing("template", problem=131008, detail="template needs name and language.code")
    words = _parameters(part)
    return Outgoing("template", text=" ".join(map(str, words)), template=(name, code, len(words)))


def _parameters(part: Json) -> list[Any]:
    bodies = [c for c in part.get("components") or [] if isinstance(c, dict) and c.get("type") == "body"]
    listed = [p for c in bodies for p in c.get("parameters") or []]
    return [p.get("text", "") if isinstance(p, dict) else "" for p in listed]
