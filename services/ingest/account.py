"""From an account event to the facts the guard and the desk read; what has no place of its own is a FIELD."""

from collections.abc import Callable, Mapping
from typing import Any

from services.ingest.understand import envelope, person, seconds
from shared.policy.state import number_pk
from shared.record.codec import clear
from shared.record.inbound import AccountChange, Origin
from shared.whatsapp.account import (
    AccountAlerts,
    AccountReviewUpdate,
    AccountUpdate,
    BusinessCapabilityUpdate,
    PhoneNumberNameUpdate,
    PhoneNumberQualityUpdate,
    Security,
    TemplateUpdate,
)
from shared.whatsapp.item import MetaItem
from shared.whatsapp.listed import UserPreference
from shared.whatsapp.wire import Wire

STOPPED = "stop"  # Meta, webhooks reference, "user_preferences": value stop or resume


def change(item: MetaItem[Any], pnid: str | None, origin: Origin, scope: str) -> AccountChange:
    """One account event, call or bare error as the record keeps it."""
    part, waba = item.part, clear(item.waba_id or "")
    personal = isinstance(part, UserPreference) and bool(item.person())
    return AccountChange(
        origin=origin,
        key=_key(item, pnid, waba, personal=personal),
        subject=pnid or waba,
        what=clear(item.field if item.member in {"", item.field} else f"{item.field}.{item.member}"),
        state=clear(_state(part)),
        content=envelope(item),
        ts_s=seconds(getattr(part, "timestamp", None)) or seconds(item.time),
        facts=_facts(part),
        person=person(item, scope, fallback="") if personal else None,
    )


def _key(item: MetaItem[Any], pnid: str | None, waba: str, *, personal: bool) -> str:
    part = item.part
    if personal:
        return "OPTOUT"  # completed with the contact_id by the record
    if isinstance(part, TemplateUpdate):
        name, language = part.message_template_name or "", part.message_template_language or ""
        return f"TEMPLATE#{waba}#{clear(name)}#{clear(language)}"
    if isinstance(part, PhoneNumberQualityUpdate | PhoneNumberNameUpdate | Security) and pnid:
        return number_pk(pnid)
    if isinstance(part, BusinessCapabilityUpdate):
        return f"TIER#{waba}"
    if isinstance(part, AccountUpdate | AccountReviewUpdate | AccountAlerts):
        return f"ACCOUNT#{waba}"
    return f"FIELD#{clear(item.field)}#{waba}"


_WORDS = ("event", "new_quality_score", "new_category", "decision", "value", "new_status", "status", "type")


def _state(part: Wire) -> str:
    """Meta's word for what is now; the first member that says so."""
    words = (getattr(part, name, None) for name in _WORDS)
    return next((word for word in words if isinstance(word, str) and word), "changed")


def _facts(part: Wire) -> dict[str, Any]:
    for kind, facts in _FACTS.items():
        if isinstance(part, kind):
            return {name: value for name, value in facts(part).items() if value is not None}
    return {}


def _preference(part: UserPreference) -> dict[str, Any]:
    return {"opted_out": "marketing" if part.value == STOPPED else ""}


def _template(part: TemplateUpdate) -> dict[str, Any]:
    """Each kind of template event changes its own facts and leaves the others."""
    return {
        "status": part.event,
        "quality": part.new_quality_score,
        "category": part.new_category or part.message_template_category,
        "template_id": None if part.message_template_id is None else str(part.message_template_id),
        "reason": None if part.reason in {None, "NONE"} else clear(part.reason or ""),
    }


def _quality(part: PhoneNumberQualityUpdate) -> dict[str, Any]:
    return {"quality_event": part.event, "limit": part.current_limit}


def _capability(part: BusinessCapabilityUpdate) -> dict[str, Any]:
    limit = part.max_daily_conversations_per_business
    if limit is None:
        limit = part.max_daily_conversation_per_phone
    return {"daily_limit": None if limit is None else str(limit)}


def _account(part: AccountUpdate) -> dict[str, Any]:
    restrictions = [each.restriction_type for each in part.restriction_info or () if each.restriction_type]
    return {"event": part.event, "restrictions": restrictions or None}


_FACTS: Mapping[type[Wire], Callable[[Any], dict[str, Any]]] = {
    UserPreference: _preference,
    TemplateUpdate: _template,
    PhoneNumberQualityUpdate: _quality,
    BusinessCapabilityUpdate: _capability,
    AccountUpdate: _account,
}
