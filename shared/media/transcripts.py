"""How a person has a sound transcribed: a `due` item of the media worker, which does the rest.

The outcome is told by `message.changed[transcript]`; the words stand in the reading beside the message
(shared/media/reading.py), `transcript` {"text", "confidence" of 0 to 100, "words": [[ms, word]]}, and the medium
says `transcript` = waiting (a budget is used up) | ready | failed.
"""

from shared.due import due_item
from shared.store.port import Item, Update

KIND = "transcribe"
_SERVICE = "media"


def ask(message: Item, n: int, at_ms: int) -> Update:
    """The op that has a message's n-th medium transcribed because a person asked for it, protected or not."""
    place = {"conversation_id": message["pk"], "order_key": message["sk"], "position": n, "asked": True}
    about = f"{message['message_id']}#{n}"
    return due_item(_SERVICE, at_ms, KIND, f"{about}#asked", message_id=message["message_id"], **place)
