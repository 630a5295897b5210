"""Facts about a message that everyone needs: what kind, which files, what to search and what to show.

Pure functions of the typed message. People read Spanish; `text` holds what a person wrote (to be searched),
`preview` one line for lists and other channels.
"""

from dataclasses import dataclass

from shared.whatsapp import messages as m
from shared.whatsapp import outgoing
from shared.whatsapp.wording import attached, one_line, preview, text


@dataclass(frozen=True, slots=True)
class File:
    """A medium of a message: position, Meta's id, type as received, base64 SHA-256, names."""

    n: int
    id: str | None
    mime: str
    sha256: str | None
    filename: str | None
    caption: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is. `reply_to` and `target` (of a reaction, edit or revoke) are wamids: sealed data."""

    kind: str
    flags: tuple[str, ...]
    media: tuple[File, ...]
    text: str
    preview: str
    reply_to: str | None
    target: str | None


def of(message: m.Message, *, seconds: float | None = None) -> Content:
    """Facts of a message; `seconds` is the length of its audio or video, once it is known."""
    return Content(
        kind=message.type or "unknown",
        flags=flags(message),
        media=media(message),
        text=text(message),
        preview=preview(message, seconds=seconds),
        reply_to=reply_to(message),
        target=target(message),
    )


def of_outgoing(message: outgoing.Outgoing) -> Content:
    """Facts of a message of ours, by the same rules."""
    form = outgoing.record_form(message)
    known = of(m.model_for(form).model_validate(form))
    if isinstance(message, outgoing.TemplateMessage):
        return _worded(known, f"Plantilla {message.template.name}", "")
    if isinstance(message, outgoing.Interactive):
        body = message.interactive.body.text
        return _worded(known, body, body)
    return known


def _worded(content: Content, shown: str, words: str) -> Content:
    line = one_line(shown)
    return Content(content.kind, content.flags, content.media, words, line, content.reply_to, content.target)


def media(message: m.Message) -> tuple[File, ...]:
    """The files of a message; Meta sends at most one."""
    file = attached(message)
    if file is None:
        return ()
    mime = file.mime_type or "application/octet-stream"
    return (File(0, file.id, mime, file.sha256, file.filename, file.caption),)


def flags(message: m.Message) -> tuple[str, ...]:
    """Facts to filter on, in a fixed order; forwarding is a newsroom's first sign for verification."""
    context, file = message.context, attached(message)
    found = {
        "forwarded": bool(context and (context.forwarded or context.frequently_forwarded)),
        "frequently_forwarded": bool(context and context.frequently_forwarded),
        "voice": bool(file and file.voice),
        "animated": bool(file and file.animated),
        "from_ad": message.referral is not None,
        "group": message.group_id is not None,
    }
    return tuple(name for name, holds in found.items() if holds)


def reply_to(message: m.Message) -> str | None:
    """Wamid of the quoted message."""
    context = message.context
    return (context.id or context.message_id) if context else None


def target(message: m.Message) -> str | None:
    """Wamid of the message that a reaction, edit or revoke is about."""
    if isinstance(message, m.ReactionMessage):
        return message.reaction.message_id if message.reaction else None
    if isinstance(message, m.EditMessage):
        return message.edit.original_message_id if message.edit else None
    if isinstance(message, m.RevokeMessage):
        return message.revoke.original_message_id if message.revoke else None
    return None
