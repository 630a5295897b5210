"""What a destination's answer means for the delivery: taken, later, or never.

Source: RFC 9110 (status codes, Retry-After); Standard Webhooks specification (2xx = success, 410 = the
receiver is gone for good, 429 and 5xx = try again).
"""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from services.forwarder.ports import Answer

SUCCESS = range(200, 300)
TEMPORARY = frozenset({408, 425, 429})
SERVER_FAULT = 500
FIRST_S = 1.0
MOST_S = 600.0
MOST_RETRY_AFTER_S = 3600.0  # a receiver may ask for less often, not for never


def taken(answer: Answer) -> bool:
    """Whether the destination has it."""
    return answer.status in SUCCESS


def temporary(answer: Answer) -> bool:
    """Whether the same call may succeed later."""
    return answer.status in TEMPORARY or answer.status >= SERVER_FAULT


def backoff_s(tried: int) -> float:
    """Seconds before the next try after `tried` of them, without jitter: doubling from 1 s to 10 min."""
    return min(FIRST_S * 2.0 ** min(max(tried - 1, 0), 20), MOST_S)


def retry_after_s(value: str | None, now_ms: int) -> float | None:
    """The header in seconds from now, at most an hour; None where it is missing or cannot be read."""
    if not value:
        return None
    seconds = _seconds(value, now_ms)
    return None if seconds is None else min(max(seconds, 0.0), MOST_RETRY_AFTER_S)


def _seconds(value: str, now_ms: int) -> float | None:
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    seconds = (aware - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds()
    return seconds if math.isfinite(seconds) else None
