"""Opened content of a message: what was sealed, with names for its parts and Meta's own shape kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.whatsapp.messages import Message, model_for


@dataclass(frozen=True, slots=True)
class Content:
    """What a message says, opened.

    Attributes:
        body: the sealed JSON object; see shape.MessageItem for its two forms.
        erased: the person was erased: there is nothing to open, and never will be.
    """

    body: Mapping[str, Any]
    erased: bool = False

    @property
    def value(self) -> Mapping[str, Any]:
        """The change's value as Meta shapes it, with this one message in it; empty on ours."""
        value: Mapping[str, Any] = self.body.get("value", {})
        return value

    @property
    def message(self) -> Mapping[str, Any]:
        """The message object: Meta's of a received one, the outgoing one of ours."""
        own = self.body.get("message")
        found: Mapping[str, Any] = own if own is not None else _listed(self.value)
        return found

    @property
    def typed(self) -> Message:
        """A received message through the typed models."""
        return model_for(self.message).model_validate(dict(self.message))

    @property
    def contact(self) -> Mapping[str, Any]:
        """The `contacts` entry of the sender; empty where there was none."""
        found: Mapping[str, Any] = (self.value.get("contacts") or [{}])[0]
        return found

    @property
    def wamid(self) -> str | None:
        """Meta's id of a received message."""
        return self.body.get("wamid")

    @property
    def media_ids(self) -> Mapping[int, str]:
        """Meta's media ids by position."""
        return {each["n"]: each["id"] for each in self.body.get("media_ids", ())}

    @property
    def preview(self) -> str:
        """One line for lists."""
        return str(self.body.get("preview", ""))


def _listed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one message of a change's value; a call is the message of its row."""
    for name in ("messages", "message_echoes", "calls"):
        if value.get(name):
            found: Mapping[str, Any] = value[name][0]
            return found
    for chunk in value.get("history") or ():
        return _listed(chunk["threads"][0])
    return {}


ERASED = Content({}, erased=True)
