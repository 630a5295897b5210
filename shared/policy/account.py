"""The state of our account, numbers and templates as the guard, the dashboards and the desk read it from `policy`.

`ACCOUNT#waba`, `NUMBER#pnid`, `TIER#waba`, `TEMPLATE#waba#name#lang` hold what is now; partition `account` lists
all of it once more, one item a fact (sk `<key>|<what>`), so that it can be shown without knowing what there is.
Sources: Meta, webhooks reference, `message_template_status_update`, `account_update`,
`phone_number_quality_update`, `message_template_quality_update` (2026-06).
"""

from collections.abc import Mapping
from typing import Any

from shared.store.port import Item

LISTED = "account"
# A template may be sent while Meta's last word on it is one of these; without any word it may be tried.
USABLE = frozenset({"APPROVED", "FLAGGED", "REINSTATED", "UNARCHIVED"})
NO_TEMPLATES = "RESTRICTED_BIZ_INITIATED_MESSAGING"
NO_REPLIES = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING"
GONE_EVENTS = frozenset({"ACCOUNT_DELETED"})
BANNED = frozenset({"DISABLE", "DISABLED"})
# What a word of Meta's about quality is worth on the gauge number_quality: 3 green, 2 yellow, 1 red, 0 unknown.
# `FLAGGED` = the rating is low, `UNFLAGGED` = it is medium or high again: counted as medium, the safe side.
QUALITY = {"GREEN": 3, "YELLOW": 2, "RED": 1, "FLAGGED": 1, "UNFLAGGED": 2}


def account_pk(waba: str) -> str:
    """State of a WhatsApp Business Account."""
    return f"ACCOUNT#{waba}"


def tier_pk(waba: str) -> str:
    """Messaging limit of an account's portfolio."""
    return f"TIER#{waba}"


def template_pk(waba: str, name: str, language: str) -> str:
    """State of one template in one language."""
    return f"TEMPLATE#{waba}#{name}#{language}"


def listed_sk(key: str, what: str) -> str:
    """Sort key of a fact in the list."""
    return f"{key}|{what}"


def template_usable(item: Item | None) -> bool:
    """Whether Meta takes a template, as far as it has told us."""
    status = (item or {}).get("status")
    return status is None or status in USABLE


def templates_restricted(item: Item | None, now_ms: int) -> bool:
    """Whether Meta has restricted the account from writing first; until when, if it said so."""
    return any(
        each.get("type") == NO_TEMPLATES and _lasts(each, now_ms)
        for each in (item or {}).get("restrictions", ())
    )


def _lasts(restriction: Mapping[str, Any], now_ms: int) -> bool:
    until = restriction.get("until_s")
    return until is None or until * 1000 > now_ms
