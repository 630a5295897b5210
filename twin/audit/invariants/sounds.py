"""Invariant 2: what is said in a sound can be read, and it is what is said in that one."""

from collections.abc import Iterator, Mapping
from typing import Any

from twin.audit.finding import Finding
from twin.audit.history import History
from twin.audit.observed import Observed, Seen


def sounds(_history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Long notes and those that somebody wants to read have their own words beside them."""
    for seen in observed.messages:
        for medium in seen.media:
            text, said = seen.heard.get(medium.get("n", 0)), observed.spoken.get(medium.get("sha256", ""))
            if text is not None and text != said:
                yield Finding(
                    2, "wrong", seen.message_id, "the words beside a sound are not what is said in it"
                )
            elif text is None and _expected(seen, medium, observed):
                yield Finding(2, "lost", seen.message_id, "what is said in a sound is not beside it")


def _expected(seen: Seen, medium: Mapping[str, Any], observed: Observed) -> bool:
    if medium.get("state") != "ready" or not str(medium.get("mime")).startswith("audio/"):
        return False
    if medium.get("reason") and not observed.undisturbed:
        return False  # whoever decoded it died again and again; why it was given up is said to people
    unasked = medium.get("sha256") in observed.long and seen.direction == "in" and seen.source == "live"
    return unasked or seen.message_id in observed.wanted
