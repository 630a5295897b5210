"""What Meta and AWS document beside messages: facts of a field, events of EventBridge, chats of Amazon Connect.

Written in the letters of documented.py and like it from the reference, not from the product's models.
Sources: Meta, webhooks reference, one page per field (2026-06); AWS pages beside each table.
"""

from typing import Any

from tests.conformance.documented import ERROR

_TEMPLATE = {
    **dict.fromkeys(
        (
            *("event", "message_template_name", "message_template_language", "message_template_category"),
            *("reason", "previous_quality_score", "new_quality_score", "message_template_title"),
            *("message_template_element", "message_template_footer", "previous_category", "new_category"),
            "correct_category",
        ),
        "s",
    ),
    "message_template_id": "t",
    "category_update_timestamp": "t",
    "rejection_info": {"reason": "s", "recommendation": "s"},
    "disable_info": {"disable_date": "t"},
    "other_info": {"title": "s", "description": "s"},
    "message_template_buttons": [
        dict.fromkeys(
            (f"message_template_button_{name}" for name in ("type", "text", "url", "phone_number")), "s"
        )
    ],
}
_ALERT = dict.fromkeys(("alert_severity", "alert_status", "alert_type", "alert_description"), "s")
_LIMITS = ("conversations_per_business", "conversation_per_phone")
FIELDS: dict[str, dict[str, Any]] = {
    "account_alerts": {**_ALERT, "entity_type": "s", "entity_id": "t", "alert_info": _ALERT},
    "account_review_update": {"decision": "s"},
    "account_update": {
        **dict.fromkeys(("event", "country", "phone_number"), "s"),
        "restriction_info": [{"restriction_type": "s", "expiration": "t", "remediation": "s"}],
        "ban_info": {"waba_ban_state": "v", "waba_ban_date": "t"},
        "violation_info": {"violation_type": "s", "remediation": "s"},
        "lock_info": {"expiration": "t"},
        "waba_info": {
            **dict.fromkeys(("waba_id", "owner_business_id", "partner_app_id", "solution_id"), "s"),
            "ad_account_linked": "v",
            "solution_partner_business_ids": ["s"],
        },
        "disconnection_info": {"reason": "s", "initiated_by": "s"},
        "auth_international_rate_eligibility": {
            "start_time": "t",
            "exception_countries": [{"country_code": "s", "start_time": "t"}],
        },
        "volume_tier_info": {
            "tier_update_time": "t",
            **dict.fromkeys(("pricing_category", "tier", "effective_month", "region"), "s"),
        },
        "partner_client_certification_info": {
            "client_business_id": "s",
            "status": "s",
            "rejection_reasons": ["s"],
        },
    },
    "business_capability_update": {
        **{f"max_daily_{name}": "t" for name in _LIMITS},
        **{f"max_phone_numbers_per_{name}": "t" for name in ("business", "waba")},
    },
    "flows": {
        **dict.fromkeys(("event", "message", "old_status", "new_status", "alert_state"), "s"),
        "flow_id": "t",
        **dict.fromkeys(("error_rate", "availability", "threshold", "requests_count"), "n"),
        **dict.fromkeys(("p50_latency", "p90_latency"), "n"),
    },
    "partner_solutions": {"event": "s", "solution_id": "t", "solution_status": "s"},
    "payment_configuration_update": {
        **dict.fromkeys(("configuration_name", "provider_name", "provider_mid", "status"), "s"),
        **dict.fromkeys(("created_timestamp", "updated_timestamp"), "t"),
    },
    "phone_number_name_update": dict.fromkeys(
        ("display_phone_number", "decision", "requested_verified_name", "rejection_reason"), "s"
    ),
    "phone_number_quality_update": {
        **dict.fromkeys(("display_phone_number", "event", "current_limit", "old_limit"), "s"),
        "max_daily_conversations_per_business": "t",
    },
    "security": {"display_phone_number": "s", "event": "s", "requester": "t"},
    **dict.fromkeys(
        (
            *(f"message_template_{what}_update" for what in ("status", "quality", "components")),
            "template_category_update",
            "template_correct_category_detection",
        ),
        _TEMPLATE,
    ),
}
"""Fields whose whole value is one fact."""

EVENT: dict[str, Any] = {
    **dict.fromkeys(("version", "id", "detail-type", "source", "account", "time", "region"), "s"),
    "resources": ["s"],
    "detail": {},
}
"""Any event of EventBridge (Amazon EventBridge user guide, "Event structure")."""
EVENTS: dict[str, dict[str, Any]] = {
    "aws.social-messaging": {
        **dict.fromkeys(("wabaId", "originationPhoneNumber", "originationPhoneNumberId"), "s"),
        **dict.fromkeys(("messageId", "status"), "s"),
        "eventTimestamp": "t",
        "errors": [ERROR],
    },
    "aws.connect": dict.fromkeys(
        (
            *("eventType", "contactId", "initialContactId", "previousContactId", "relatedContactId"),
            *("channel", "instanceArn", "initiationMethod", "initiationTimestamp", "disconnectTimestamp"),
        ),
        "s",
    ),
}
"""Their `detail`; Amazon Connect's members also come with a capital (administrator guide, "Contact events")."""
CHAT: dict[str, Any] = {
    **dict.fromkeys(("AbsoluteTime", "Content", "ContentType", "Id", "Type", "ParticipantId"), "s"),
    **dict.fromkeys(("DisplayName", "ParticipantRole", "InitialContactId", "ContactId"), "s"),
    "Attachments": [dict.fromkeys(("AttachmentId", "AttachmentName", "ContentType", "Status"), "s")],
}
"""A message of chat streaming (Amazon Connect administrator guide, "Enable real-time chat streaming")."""
