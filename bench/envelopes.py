"""EUM Social envelopes of 1.2 KB: a text message as raw delivery from SNS puts it on the queue.

Shape: docs.aws.amazon.com/social-messaging/latest/userguide/managing-event-destination-dlrs.html. The number
of the message is the tail of its wamid, so that a consumer can say which ones it handled.
"""

import json
from typing import Any

WABA = "102290129340398"
NUMBER = "106540352242922"
_ARN = "arn:aws:social-messaging:us-east-1:123456789012"
_TEXT = (
    "Buenas tardes, redacción. Hay una fuga de agua sobre Avenida Universidad, casi con Miguel Ángel de "
    "Quevedo; dos carriles cerrados desde las ocho y los vecinos llevan una hora sin luz. Puedo mandar fotos."
)


def envelope(number: int) -> str:
    """The body of one queue message."""
    outer = {
        "context": {
            "MetaWabaIds": [{"wabaId": WABA, "arn": f"{_ARN}:waba/0f6a1c6e9b3d4a0c8a51e0000example"}],
            "MetaPhoneNumberIds": [
                {
                    "metaPhoneNumberId": NUMBER,
                    "arn": f"{_ARN}:phone-number-id/976c72a700aac43eaf573ae05example",
                }
            ],
        },
        "whatsAppWebhookEntry": _compact(_entry(number)),
        "aws_account_id": "123456789012",
        "message_timestamp": "2026-11-23T16:45:23.271279391Z",
        "messageId": f"6d69f07a-c317-4278-9d5c-{number:012d}",
    }
    return _compact(outer)


def _entry(number: int) -> dict[str, Any]:
    message = {
        "from": "5215550100102",
        "id": f"wamid.HBgNNTIxNTU1MDEwMDEwMhUCABIYFDNBQ0U4RkI5NDZFNjQ3QjAA.{number:08d}",
        "timestamp": "1763912723",
        "text": {"body": _TEXT},
        "type": "text",
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "525512345678", "phone_number_id": NUMBER},
        "contacts": [{"profile": {"name": "María Fernanda"}, "wa_id": "5215550100102"}],
        "messages": [message],
    }
    return {"id": WABA, "changes": [{"value": value, "field": "messages"}]}


def taskiq_envelope(number: int) -> str:
    """The same as an argument of a task, in the JSON that taskiq's own formatter reads."""
    task = {
        "task_id": f"{number:032x}",
        "task_name": "handle",
        "labels": {},
        "args": [envelope(number)],
        "kwargs": {},
    }
    return _compact(task)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
