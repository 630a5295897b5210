"""From a change to the bytes on the wire: Meta's entry, EUM Social's envelope, EventBridge's event.

Sources: docs.aws.amazon.com/social-messaging/latest/userguide/ pages managing-event-destination-dlrs,
managing-event-destinations-generated and monitor-event-bridge; the names of the events are those of
docs.aws.amazon.com/eventbridge/latest/ref/events-ref-social-messaging.html.
"""

import json
from datetime import UTC, datetime
from typing import Any

from twin.core.mint import Mint
from twin.core.model import SECOND, Account

Json = dict[str, Any]


def instant(now: int) -> str:
    """An instant as EUM Social writes it: RFC 3339 with nine decimals."""
    whole = datetime.fromtimestamp(now // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{now % SECOND:09d}Z"


def dump(value: Any) -> str:
    """JSON without spaces, keys in the order they were written, as Meta sends it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def value(account: Account, **parts: Any) -> Json:
    """A change's value for field `messages`: the number it is about, then what happened."""
    metadata = {"display_phone_number": account.display, "phone_number_id": account.pnid}
    return {"messaging_product": "whatsapp", "metadata": metadata} | parts


def merge(values: list[Json]) -> Json:
    """Several values of one field as one: their lists are joined, a contact is named once."""
    merged: Json = {}
    for one in values:
        for key, part in one.items():
            known = merged.get(key)
            if isinstance(part, list) and isinstance(known, list):
                merged[key] = known + [item for item in part if key != "contacts" or item not in known]
            else:
                merged[key] = part
    return merged


def load(text: str) -> Json:
    """A value back from its JSON."""
    parsed: Json = json.loads(text)
    return parsed


def entry(account: Account, changes: list[tuple[str, Json]]) -> str:
    """One webhook entry of the account, as the string that EUM Social forwards."""
    listed = [{"value": body, "field": field} for field, body in changes]
    return dump({"id": account.waba_id, "changes": listed})


def envelope(
    account: Account, entry_json: str, stamp: int, *, message_id: str = "", context: bool = True
) -> str:
    """EUM Social's message around one entry.

    Older messages have no `context`, received ones carry no `messageId`: both are optional.
    """
    named = {
        "MetaWabaIds": [{"wabaId": account.waba_id, "arn": account.waba_arn}],
        "MetaPhoneNumberIds": [{"metaPhoneNumberId": account.pnid, "arn": account.phone_arn}],
    }
    body: Json = {"context": named} if context else {}
    body |= {"whatsAppWebhookEntry": entry_json, "aws_account_id": account.aws_account}
    body |= {"message_timestamp": instant(stamp)} | ({"messageId": message_id} if message_id else {})
    return dump(body)


_DETAIL_TYPES = {
    "received": "WhatsApp Message Received",
    "sent": "WhatsApp Message Sent",
    "delivered": "WhatsApp Message Delivered",
    "read": "WhatsApp Message Read",
    "played": "WhatsApp Message Read",
    "failed": "WhatsApp Message Failed",
    "accepted": "WhatsApp Message Handover Succeeded",
}


def witness(account: Account, mint: Mint, status: str, now: int, message_id: str, errors: list[Json]) -> str:
    """An EventBridge event: that something happened, never what was said. Best effort on AWS."""
    detail: Json = {
        "wabaId": account.waba_id,
        "originationPhoneNumber": account.display,
        "originationPhoneNumberId": account.pnid,
        "messageId": message_id,
        "status": status,
        "eventTimestamp": str(now // SECOND),
    }
    if errors:
        detail["errors"] = [{k: e[k] for k in ("code", "title", "message")} for e in errors]
    head = {"version": "0", "id": mint.uuid(), "detail-type": _DETAIL_TYPES[status]}
    place = {"source": "aws.social-messaging", "account": account.aws_account}
    when = {"time": instant(now)[:19] + "Z", "region": account.region, "resources": []}
    return dump(head | place | when | {"detail": detail})
