"""What becomes of a message once its handler is done: pure.

Waiting is not failing: what only waits is never parked. At its third receive it is sent anew (`renew`): each
wait costs a receive, crashes and repeated deliveries cost more of them, and SQS's own redrive policy would in
the end move it to the DLQ without a reason.
"""

import math
from dataclasses import dataclass
from typing import Literal

from shared.errors import Poison, RetryAfter, StopAndPage
from shared.queue.backoff import CAP_S, Uniform, full_jitter
from shared.queue.options import MAX_HIDE_S

Outcome = Literal["ok", "retry", "poison", "lost_lease"]
UNEXPECTED = "unexpected"
RENEW_AT = 3  # a wait at this receive or later begins its receives anew: five are left to misfortune


@dataclass(frozen=True, slots=True)
class Verdict:
    """delete it | hide it for `seconds` | park it in the DLQ | renew it: send it again after `seconds`."""

    action: Literal["delete", "hide", "park", "renew"]
    outcome: Outcome
    seconds: int = 0
    reason: str = ""


DONE = Verdict("delete", "ok")


def decide(
    error: BaseException | None, receive_count: int, park_at: int, uniform: Uniform, *, waits: bool = False
) -> Verdict:
    """The verdict on one receive.

    Args:
        error: what the handler raised; None = it succeeded.
        receive_count: this receive included.
        park_at: the receive at which an unexplained failure is parked.
        uniform: jitter.
        waits: the error is a dependency's that a breaker watches, so the message is not to blame.
    """
    if error is None:
        return DONE
    if isinstance(error, Poison):
        return Verdict("park", "poison", reason=error.reason)
    if isinstance(error, RetryAfter):
        return _wait(error.seconds, receive_count, park_at, error.reason)
    pause = full_jitter(max(1, receive_count), uniform)
    if waits or isinstance(error, StopAndPage):
        return _wait(pause, receive_count, park_at, type(error).__name__)
    if receive_count >= park_at:
        return Verdict("park", "poison", reason=UNEXPECTED)
    return Verdict("hide", "retry", math.ceil(pause), UNEXPECTED)


def _wait(seconds: float, receive_count: int, park_at: int, reason: str) -> Verdict:
    whole = math.ceil(max(0.0, seconds))
    if receive_count >= min(RENEW_AT, park_at):
        return Verdict("renew", "retry", min(whole, int(CAP_S)), reason)  # SQS: DelaySeconds is at most 900
    return Verdict("hide", "retry", min(whole, MAX_HIDE_S), reason)
