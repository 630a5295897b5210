"""From an account event to the facts the guard and the desk read; what has no place of its own is a FIELD."""

from collections.abc import Callable, Mapping
from typing import Any

from services.ingest import alarms
from services.ingest.understand import aliases_of, envelope, person, seconds
from shared.policy import account as policy
from shared.policy.state import number_pk
from shared.record.codec import clear
from shared.record.inbound import AccountChange, Alarm, Origin, Person
from shared.whatsapp import identity
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
from shared.whatsapp.item import ErrorsItem, MetaItem
from shared.whatsapp.listed import StateSync, UserIdUpdate, UserPreference
from shared.whatsapp.wire import Wire

SIGNUP = "signup"  # Meta, webhooks reference, "user_preferences": value stop, resume or signup
REMOVED = "remove"  # Meta, webhooks reference, "smb_app_state_sync": action add, edit or remove
LOCKED = 131031  # Meta, "Error codes": the account is locked; stands for a lock that came as an event
BLOCKING = frozenset({"account_blocked", "replies_restricted"})
# Events of one person lie with the person, under their key: erasing them takes these along.
_PERSONAL = {UserPreference: "OPTOUT", StateSync: "CONTACT", UserIdUpdate: "USERID"}


def change(item: MetaItem[Any], pnid: str | None, origin: Origin, scope: str) -> AccountChange:
    """One account event, call status or bare error as the record keeps it."""
    part, waba = item.part, clear(item.waba_id or "")
    personal = bool(item.person()) and any(isinstance(part, kind) for kind in _PERSONAL)
    return AccountChange(
        origin=origin,
        key=_personal_key(part) if personal else _key(item, pnid, waba),
        subject=pnid or waba,
        what=clear(item.field if item.member in {"", item.field} else f"{item.field}.{item.member}"),
        state=clear(_state(item)),
        content=envelope(item),
        ts_s=seconds(getattr(part, "timestamp", None)) or seconds(item.time),
        facts=_facts(item),
        person=_person(item, scope) if personal else None,
        alarm=_alarm(item),
    )


def _personal_key(part: Wire) -> str:
    """Completed with the contact_id by the record."""
    if isinstance(part, UserPreference) and part.value == SIGNUP:
        return "OPTIN"
    return next(key for kind, key in _PERSONAL.items() if isinstance(part, kind))


def _key(item: MetaItem[Any], pnid: str | None, waba: str) -> str:
    part = item.part
    if isinstance(part, TemplateUpdate):
        name, language = part.message_template_name or "", part.message_template_language or ""
        return policy.template_pk(waba, clear(name), clear(language))
    if isinstance(part, PhoneNumberQualityUpdate | PhoneNumberNameUpdate | Security) and pnid:
        return number_pk(pnid)
    if isinstance(part, BusinessCapabilityUpdate):
        return policy.tier_pk(waba)
    if isinstance(part, AccountUpdate | AccountReviewUpdate | AccountAlerts):
        return policy.account_pk(waba)
    return f"FIELD#{clear(item.field)}#{waba}"


def _person(item: MetaItem[Any], scope: str) -> Person:
    """Whose event it is, with both keys of a changed user id and the name in the phone's address book."""
    found = person(item, scope, fallback="")
    part = item.part
    if isinstance(part, UserIdUpdate) and (moved := identity.change_of_user_id(part)):
        return Person(aliases_of([moved.new, moved.old], scope), {**found.details, **_ids(moved.new)})
    name = _saved_name(part) if isinstance(part, StateSync) else None
    return Person(found.aliases, {**found.details, **({"saved_name": name} if name else {})})


def _ids(new: identity.Person) -> dict[str, str]:
    found = {"user_id": new.user_id, "wa_id": new.waid}
    return {name: value for name, value in found.items() if value}


def _saved_name(part: StateSync) -> str | None:
    if part.contact is None or part.action == REMOVED:
        return None
    return part.contact.full_name or part.contact.first_name


def _alarm(item: MetaItem[Any]) -> Alarm | None:
    if isinstance(item, ErrorsItem):
        return alarms.of_errors(item.head.errors or [])
    return alarms.of_part(item.part)


_WORDS = (
    *("event", "new_quality_score", "new_category", "correct_category", "decision", "value", "new_status"),
    *("status", "action", "alert_severity", "type"),
)


def _state(item: MetaItem[Any]) -> str:
    """Meta's word for what is now; the first member that says so; of bare errors the code."""
    if isinstance(item, ErrorsItem):
        return next((str(error.code) for error in item.head.errors or () if error.code is not None), "error")
    words = (getattr(item.part, name, None) for name in _WORDS)
    return next((word for word in words if isinstance(word, str) and word), "changed")


def _facts(item: MetaItem[Any]) -> dict[str, Any]:
    for kind, facts in _FACTS.items():
        if isinstance(item.part, kind):
            return {name: value for name, value in facts(item.part).items() if value is not None}
    return {}


def _preference(part: UserPreference) -> dict[str, Any]:
    """Meta's word on marketing, in attributes of its own: the desk's word on all is another writer's."""
    at = seconds(part.timestamp)
    if part.value == SIGNUP:
        return {"opted_in": "marketing", "ts": at}
    return {"state": clear(part.value or ""), "ts": at}


def _template(part: TemplateUpdate) -> dict[str, Any]:
    """Each kind of template event changes its own facts and leaves the others."""
    return {
        "name": clear(part.message_template_name or ""),
        "language": clear(part.message_template_language or ""),
        "status": part.event,
        "quality": part.new_quality_score,
        "category": part.new_category or part.message_template_category,
        "template_id": None if part.message_template_id is None else str(part.message_template_id),
        "reason": None if part.reason in {None, "NONE"} else clear(part.reason or ""),
    }


def _quality(part: PhoneNumberQualityUpdate) -> dict[str, Any]:
    worth = policy.QUALITY.get(part.event or "")
    return {"quality_event": part.event, "limit": part.current_limit, "quality": worth}


def _capability(part: BusinessCapabilityUpdate) -> dict[str, Any]:
    limit = part.max_daily_conversations_per_business
    if limit is None:
        limit = part.max_daily_conversation_per_phone
    return {"daily_limit": None if limit is None else str(limit)}


def _account(part: AccountUpdate) -> dict[str, Any]:
    restrictions = [
        {"type": each.restriction_type, "until_s": seconds(each.expiration)}
        for each in part.restriction_info or ()
        if each.restriction_type
    ]
    banned = part.ban_info.waba_ban_state if part.ban_info else None
    return {
        "event": part.event,
        "restrictions": restrictions or None,
        "banned": banned if isinstance(banned, str) else None,
        "violation": part.violation_info.violation_type if part.violation_info else None,
        "locked_until_s": seconds(part.lock_info.expiration) if part.lock_info else None,
    }


_FACTS: Mapping[type[Wire], Callable[[Any], dict[str, Any]]] = {
    UserPreference: _preference,
    TemplateUpdate: _template,
    PhoneNumberQualityUpdate: _quality,
    PhoneNumberNameUpdate: lambda part: {"name_decision": part.decision},
    Security: lambda part: {"security_event": part.event},
    BusinessCapabilityUpdate: _capability,
    AccountUpdate: _account,
    AccountReviewUpdate: lambda part: {"review": part.decision},
}
