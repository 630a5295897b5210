"""Which account events a person must look at, and how soon; pure.

`page` where the desk may stop working or Meta punishes; `warn` where it will if nobody acts. The name of an alert is
the name of its runbook. Source of the words: Meta, webhooks reference, one page per field (2026-06).
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.policy.account import BANNED, NO_REPLIES
from shared.record.inbound import Alarm
from shared.whatsapp import errors
from shared.whatsapp.account import (
    AccountAlerts,
    AccountReviewUpdate,
    AccountUpdate,
    BusinessCapabilityUpdate,
    Flows,
    PaymentConfigurationUpdate,
    PhoneNumberNameUpdate,
    PhoneNumberQualityUpdate,
    Security,
    TemplateUpdate,
)
from shared.whatsapp.errors import Action
from shared.whatsapp.parts import Head, MetaError
from shared.whatsapp.wire import Wire

_BY_ACTION = {
    Action.BREAK_CIRCUIT: Alarm("account_blocked", "page"),
    Action.STOP: Alarm("sends_not_permitted", "page"),
    Action.RUNBOOK: Alarm("number_registration", "page"),
    Action.STOP_BULK: Alarm("spam_rate_limited", "page"),
    Action.ALARM: Alarm("payment_problem", "page"),
}


def of_part(part: Wire) -> Alarm | None:
    """The alarm of an account event; None where nobody need look."""
    found = (judge(part) for kind, judge in _JUDGES.items() if isinstance(part, kind))
    return next(found, None)


def of_code(code: int | str | None) -> Alarm | None:
    """The alarm of one of Meta's error codes, wherever it came."""
    return _BY_ACTION.get(errors.rule(code).action)


def of_errors(found: list[MetaError]) -> Alarm | None:
    """The alarm of errors that stand alone: Meta reports what concerns the account or the application this way."""
    worst = errors.worst(found)
    return (of_code(worst.code) if worst else None) or Alarm("meta_error", "warn")


def _account(part: AccountUpdate) -> Alarm | None:
    banned = part.ban_info is not None and part.ban_info.waba_ban_state
    words = banned if isinstance(banned, list) else [banned]
    if BANNED & {*words} or part.event == "ACCOUNT_DELETED":
        return Alarm("account_blocked", "page")
    restrictions = {each.restriction_type for each in part.restriction_info or ()}
    if restrictions or part.event == "ACCOUNT_RESTRICTION":
        if NO_REPLIES in restrictions:
            return Alarm("replies_restricted", "page")
        return Alarm("account_restricted", "warn" if restrictions else "page")
    return _ACCOUNT_EVENTS.get(part.event or "")


_ACCOUNT_EVENTS = {
    "ACCOUNT_VIOLATION": Alarm("account_violation", "page"),
    "DISABLED_UPDATE": Alarm("account_ban_changed", "page"),
    "ACCOUNT_OFFBOARDED": Alarm("account_offboarded", "page"),
    "PARTNER_REMOVED": Alarm("account_offboarded", "page"),
    "PHONE_NUMBER_REMOVED": Alarm("number_removed", "page"),
}


def _alert(part: AccountAlerts) -> Alarm | None:
    info = part.alert_info or part
    if info.alert_status == "NONE":  # Meta: the alert has ended
        return None
    return Alarm("meta_alert", "page" if info.alert_severity == "CRITICAL" else "warn")


def _quality(part: PhoneNumberQualityUpdate) -> Alarm | None:
    if part.event == "FLAGGED":
        return Alarm("number_quality_low", "page")
    return Alarm("number_limit_lowered", "warn") if part.event == "DOWNGRADE" else None


_TEMPLATE_EVENTS = {
    "PAUSED": Alarm("template_paused", "warn"),
    "DISABLED": Alarm("template_disabled", "warn"),
    "REJECTED": Alarm("template_rejected", "warn"),
    "FLAGGED": Alarm("template_quality_low", "warn"),
    "LOCKED": Alarm("template_paused", "warn"),
}


def _template(part: TemplateUpdate) -> Alarm | None:
    if part.new_quality_score == "RED":
        return Alarm("template_quality_low", "warn")
    if part.previous_category and part.new_category and part.previous_category != part.new_category:
        return Alarm("template_category_changed", "warn")  # another price
    return _TEMPLATE_EVENTS.get(part.event or "")


def _capability(part: BusinessCapabilityUpdate) -> Alarm | None:
    limits = (part.max_daily_conversations_per_business, part.max_daily_conversation_per_phone)
    return Alarm("messaging_limit_zero", "page") if 0 in limits or "0" in limits else None


_JUDGES: Mapping[type[Wire], Callable[[Any], Alarm | None]] = {
    AccountAlerts: _alert,
    AccountUpdate: _account,
    AccountReviewUpdate: lambda part: (
        Alarm("account_review", "page") if part.decision == "REJECTED" else None
    ),
    PhoneNumberQualityUpdate: _quality,
    PhoneNumberNameUpdate: lambda part: (
        Alarm("display_name", "warn") if part.decision == "REJECTED" else None
    ),
    Security: lambda _: Alarm("number_security", "page"),
    TemplateUpdate: _template,
    BusinessCapabilityUpdate: _capability,
    PaymentConfigurationUpdate: lambda part: (
        Alarm("payment_problem", "warn") if part.status == "Needs_Testing" else None
    ),
    Flows: lambda part: (
        Alarm("flow_unhealthy", "warn") if part.new_status in {"BLOCKED", "THROTTLED"} else None
    ),
    Head: lambda part: of_errors(part.errors or []),
}
