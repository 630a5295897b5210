"""What Meta documents, member by member: the second opinion on kinds, types and leaves.

Written from the reference, not from the product's models, and sharing nothing with them. A leaf's letter is its
JSON type: s string, n number, b boolean, t time or code (string or number), v any scalar, k string that may stand
in an object's key. Null stands for "absent" everywhere.
Sources: Meta, WhatsApp Cloud API, webhooks reference, one page per field, "messages" pages, "Groups API",
"Calling API" and "Error codes" (2026-06); EUM Social adds statuses of its own (AWS End User Messaging Social
user guide, "Message and event destination").
"""

from typing import Any

MESSAGE = "MESSAGE"  # a message inside another object, by its own type
_UNSAFE = "/\\"
_LONG = 512

ERROR: dict[str, Any] = {
    **dict.fromkeys(("title", "message", "type", "href", "details"), "s"),
    "code": "t",
    "error_subcode": "t",
    "error_data": {"details": "s", "messaging_product": "s", "blame_field_specs": [["s"]]},
}
METADATA = {"display_phone_number": "s", "phone_number_id": "s"}
CONTACT = {
    "profile": {"name": "s", "username": "s", "country_code": "s"},
    **dict.fromkeys(("wa_id", "user_id", "parent_user_id", "identity_key_hash"), "s"),
}
HEAD = {"messaging_product": "s", "metadata": METADATA, "errors": [ERROR]}

_MEDIA = {
    **dict.fromkeys(("mime_type", "sha256", "url", "link", "caption", "filename"), "s"),
    "id": "k",
    "file_size": "n",
    "voice": "b",
    "animated": "b",
}
_CONTEXT = {
    **dict.fromkeys(("from", "from_user_id", "from_parent_user_id", "id", "message_id"), "s"),
    "forwarded": "b",
    "frequently_forwarded": "b",
    "referred_product": {"catalog_id": "s", "product_retailer_id": "s"},
}
_REFERRAL = {
    **dict.fromkeys(
        (
            *("source_url", "source_id", "source_type", "headline", "body", "media_type"),
            *("image_url", "video_url", "thumbnail_url", "ctwa_clid"),
        ),
        "s",
    ),
    "welcome_message": {"text": "s"},
    "image": {"id": "k", "mime_type": "s", "sha256": "s"},
    "video": {"id": "k", "mime_type": "s", "sha256": "s"},
}
_NAME = ("formatted_name", "first_name", "last_name", "middle_name", "suffix", "prefix")
_ADDRESS = ("street", "city", "state", "zip", "country", "country_code", "type")
_CARD = {
    "addresses": [dict.fromkeys(_ADDRESS, "s")],
    "birthday": "s",
    "emails": [{"email": "s", "type": "s"}],
    "name": dict.fromkeys(_NAME, "s"),
    "org": {"company": "s", "department": "s", "title": "s"},
    "phones": [{"phone": "s", "wa_id": "s", "user_id": "s", "type": "s"}],
    "urls": [{"url": "s", "type": "s"}],
    "origin": "s",
    "vcard": "s",
}
_REPLY = {"id": "s", "title": "s", "description": "s"}
_COMMON = {
    **dict.fromkeys(("id", "type", "from", "from_user_id", "from_parent_user_id", "group_id"), "s"),
    **dict.fromkeys(("to", "to_user_id", "to_parent_user_id"), "s"),
    "timestamp": "t",
    "context": _CONTEXT,
    "referral": _REFERRAL,
    "identity": {"acknowledged": "b", "created_timestamp": "t", "hash": "s"},
    "errors": [ERROR],
    "history_context": {"status": "s", "from_me": "b"},
}
TYPES: dict[str, dict[str, Any]] = {
    "text": {"text": {"body": "s", "preview_url": "b"}},
    **{kind: {kind: _MEDIA} for kind in ("image", "video", "audio", "document", "sticker")},
    "location": {
        "location": {"latitude": "n", "longitude": "n", **dict.fromkeys(("name", "address", "url"), "s")}
    },
    "contacts": {"contacts": [_CARD]},
    "reaction": {"reaction": {"message_id": "s", "emoji": "s"}},
    "interactive": {
        "interactive": {
            "type": "s",
            "button_reply": _REPLY,
            "list_reply": _REPLY,
            "nfm_reply": {"response_json": "s", "body": "s", "name": "s"},
            "call_permission_reply": {
                "response": "s",
                "expiration_timestamp": "t",
                "is_permanent": "b",
                "response_source": "s",
            },
        }
    },
    "button": {"button": {"payload": "s", "text": "s"}},
    "order": {
        "order": {
            "catalog_id": "s",
            "text": "s",
            "product_items": [
                {"product_retailer_id": "s", "quantity": "v", "item_price": "v", "currency": "s"}
            ],
        }
    },
    "system": {
        "system": dict.fromkeys(
            (
                *("body", "type", "wa_id", "new_wa_id", "customer", "identity", "user_id"),
                *("parent_user_id", "previous_user_id", "previous_parent_user_id"),
            ),
            "s",
        )
    },
    "request_welcome": {},
    "unsupported": {"unsupported": {"type": "s"}},
    "edit": {"edit": {"original_message_id": "s", "message": MESSAGE}},
    "revoke": {"revoke": {"original_message_id": "s"}},
    "media_placeholder": {},
}
STATUS: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("id", "status", "type", "recipient_id", "recipient_user_id", "recipient_parent_user_id"),
            *("recipient_type", "recipient_participant_id", "recipient_participant_user_id"),
            *("recipient_participant_parent_user_id", "recipient_identity_key_hash"),
            "biz_opaque_callback_data",
        ),
        "s",
    ),
    "timestamp": "t",
    "conversation": {"id": "s", "expiration_timestamp": "t", "origin": {"type": "s"}},
    "pricing": {"billable": "b", "pricing_model": "s", "category": "s", "type": "s"},
    "payment": {
        **dict.fromkeys(("reference_id", "currency", "receipt"), "s"),
        "amount": {"value": "n", "offset": "n"},
        "transaction": {
            **dict.fromkeys(("id", "type", "status", "currency"), "s"),
            **dict.fromkeys(("created_timestamp", "updated_timestamp"), "t"),
            "amount": {"value": "n", "offset": "n"},
            "error": {"code": "v", "reason": "s"},
        },
        "refunds": [
            {
                **dict.fromkeys(("id", "status", "speed_processed"), "s"),
                **dict.fromkeys(("created_timestamp", "updated_timestamp"), "t"),
                "amount": {"value": "n", "offset": "n"},
            }
        ],
    },
    "errors": [ERROR],
}
CALL: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("id", "from", "from_user_id", "from_parent_user_id", "to", "to_user_id", "to_parent_user_id"),
            *("event", "direction", "cta_payload", "deeplink_payload", "biz_opaque_callback_data"),
        ),
        "s",
    ),
    **dict.fromkeys(("timestamp", "start_time", "end_time", "duration", "status"), "t"),
    "session": {"sdp": "s", "sdp_type": "s"},
    "context": _CONTEXT,
    "errors": [ERROR],
}
_MEMBER = {
    **dict.fromkeys(("input", "wa_id", "user_id", "parent_user_id", "username"), "s"),
    "errors": [ERROR],
}
_SETTING = {
    **dict.fromkeys(("text", "mime_type", "sha256"), "s"),
    "update_successful": "b",
    "errors": [ERROR],
}
ROWS: dict[str, dict[str, Any]] = {
    "statuses": STATUS,
    "calls": CALL,
    "user_preferences": {
        **dict.fromkeys(
            ("wa_id", "user_id", "parent_user_id", "detail", "category", "value", "signup_id"), "s"
        ),
        "timestamp": "t",
    },
    "user_id_update": {
        "wa_id": "s",
        "detail": "s",
        "user_id": {"previous": "s", "current": "s"},
        "parent_user_id": {"previous": "s", "current": "s"},
        "timestamp": "t",
    },
    "automatic_events": {
        **dict.fromkeys(("id", "event_name", "ctwa_clid"), "s"),
        "timestamp": "t",
        "custom_data": {"currency": "s", "value": "v"},
    },
    "state_sync": {
        "type": "s",
        "action": "s",
        "contact": {"full_name": "s", "first_name": "s", "phone_number": "s"},
        "metadata": {"timestamp": "t", "version": "t"},
    },
    "history": {
        "metadata": {"phase": "t", "chunk_order": "t", "progress": "t"},
        "threads": [
            {
                "id": "s",
                "context": dict.fromkeys(("wa_id", "user_id", "username"), "s"),
                "messages": [MESSAGE],
            }
        ],
        "errors": [ERROR],
    },
    "groups": {
        **dict.fromkeys(
            (
                *("group_id", "type", "request_id", "subject", "description", "invite_link", "reason"),
                *("join_approval_mode", "initiated_by", "join_request_id", "wa_id", "user_id"),
            ),
            "s",
        ),
        "timestamp": "t",
        **{f"{what}_participants": [_MEMBER] for what in ("added", "removed", "failed")},
        **dict.fromkeys(("profile_picture", "group_subject", "group_description"), _SETTING),
        "errors": [ERROR],
    },
}
MESSAGE_LISTS = ("messages", "message_echoes")
LISTS = (*MESSAGE_LISTS, *ROWS)


COMMON = _COMMON


def message(value: Any) -> dict[str, Any]:
    """Members of a message, by its `type`; those of any type where it is not documented."""
    kind = value.get("type") if isinstance(value, dict) else None
    return {**_COMMON, **(TYPES.get(kind, {}) if isinstance(kind, str) else {})}


def member(value: Any, tree: Any, path: tuple[str | int, ...]) -> str | None:
    """The documented member that a leaf belongs to, e.g. `contacts[].name`; a message inside is one member."""
    told = ""
    for step in path:
        if tree == MESSAGE:
            return told
        if isinstance(tree, list) and isinstance(step, int):
            tree, told = tree[0], f"{told}[]"
        elif isinstance(tree, dict) and step in tree:
            tree, told = tree[step], f"{told}.{step}" if told else str(step)
        else:
            return None
        value = value[step]
    return told if isinstance(tree, str) else None


def members(tree: Any, front: str = "") -> list[str]:
    """Every member of a tree that holds a value."""
    if isinstance(tree, list):
        return members(tree[0], f"{front}[]")
    if isinstance(tree, dict):
        inner = ((f"{front}.{name}" if front else name, each) for name, each in tree.items())
        return [found for name, each in inner for found in members(each, name)]
    return [front]


def named(value: Any, tree: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the documentation names the member at a path of `value`."""
    for step in path:
        tree = message(value) if tree == MESSAGE else tree
        if isinstance(tree, list) and isinstance(step, int):
            tree = tree[0]
        elif isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            return False
        value = value[step]
    return not isinstance(value, dict | list) or isinstance(tree, dict | list) or tree == MESSAGE


def contradicts(value: Any, tree: Any) -> bool:
    """Whether some member has another JSON type than documented; members nobody documents may be anything."""
    tree = message(value) if tree == MESSAGE else tree
    if value is None:
        return False
    if isinstance(tree, dict):
        return not isinstance(value, dict) or any(
            contradicts(value[name], tree[name]) for name in tree if name in value
        )
    if isinstance(tree, list):
        return not isinstance(value, list) or any(contradicts(each, tree[0]) for each in value)
    return not _fits(value, tree)


def _fits(value: Any, letter: str) -> bool:
    if isinstance(value, bool):
        return letter in "bv"
    if isinstance(value, int | float):
        return letter in "ntv"
    if not isinstance(value, str):
        return False
    safe = letter != "k" or not any(char in _UNSAFE or ord(char) < ord(" ") for char in value)
    return letter in "stvk" and (letter == "s" or len(value) <= _LONG) and safe
