"""What the other invariants judge once somebody was erased: the history and the stores without what is gone for good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from twin.audit.history import History, Row
from twin.audit.observed import Erased, Observed
from twin.audit.received import payload

FUZZ_MS = 2_500  # two clocks, and the whole seconds of Meta's times


@dataclass(frozen=True, slots=True)
class Gone:
    """What must be left of nothing.

    Attributes:
        wamids: of what the erased wrote before. messages: ids of those that are empty in the record.
        words: nonces of what they wrote. own: hashes of files that nobody else sent.
    """

    wamids: frozenset[str]
    messages: frozenset[str]
    words: frozenset[str]
    own: frozenset[str]


def gone(history: History, observed: Observed) -> Gone:
    """What the erased wrote before they were; what they wrote at that very moment may be either."""
    rows = [(row, who) for row in history.written.values() for who in observed.erased if _theirs(row, who)]
    before = [row for row, who in rows if int(row["at"]) < who.erased_ms - FUZZ_MS]
    kept = {seen.wamid for seen in observed.messages if not seen.erased}
    unsure = [row for row, who in rows if abs(int(row["at"]) - who.erased_ms) <= FUZZ_MS]
    wamids = {row["wamid"] for row in (*before, *(row for row in unsure if row["wamid"] not in kept))}
    others = {
        s for row in history.written.values() if row["wamid"] not in wamids for s in row["media_sha256"]
    }
    strangers = _threads_of_others(history, observed)
    return Gone(
        frozenset(wamids),
        frozenset(s.message_id for s in observed.messages if s.erased and s.conversation_id not in strangers),
        frozenset(row["nonce"] for row in before if row["nonce"]),
        frozenset(sha for row in before for sha in row["media_sha256"]) - others,
    )


def without(history: History, observed: Observed) -> tuple[History, Observed]:
    """The rest: what everybody else wrote, and what the erased wrote since."""
    if not observed.erased and not observed.elder:
        return history, observed
    lost = gone(history, observed)
    old = {each.message_id for each in observed.elder}
    threads = {each.conversation_id for each in observed.elder}
    left = replace(
        observed,
        messages=[each for each in observed.messages if each.message_id not in lost.messages | old],
        acknowledged=[each for each in observed.acknowledged if each.message_id not in lost.messages],
        documents=[each for each in observed.documents if each.id not in old],
        ticks={name: states for name, states in observed.ticks.items() if name not in lost.messages},
        conversations=[each for each in observed.conversations or () if each.id not in threads],
    )
    return _history(history, observed, lost), left


def _history(history: History, observed: Observed, lost: Gone) -> History:
    ours = {wamid for wamid, attempt in history.attempts.items() if _message(attempt) in lost.messages}

    def left(body: str, at_ms: int) -> bool:
        """A status may come long after who was written to is gone."""
        return not about(body, at_ms, observed) and not any(wamid in body for wamid in ours)

    return replace(
        history,
        written={wamid: row for wamid, row in history.written.items() if wamid not in lost.wamids},
        published=history.published - lost.wamids,
        envelopes={body: at for body, at in history.envelopes.items() if left(body, at)},
        spoilt={body for body in history.spoilt if left(body, history.envelopes.get(body, 0))},
        statuses={w: names for w, names in history.statuses.items() if w not in lost.wamids | ours},
        shown={a: rows for a, rows in history.shown.items() if _message(a) not in lost.messages},
        received=[row for row in history.received if payload(row).get("message_id") not in lost.messages],
    )


def about(body: str, at_ms: int, observed: Observed) -> bool:
    """Whether an envelope names somebody who was erased at about that time or later."""
    return any(
        at_ms < who.erased_ms + 10 * FUZZ_MS and (who.wa_id in body or who.user_id in body)
        for who in observed.erased
    )


def named(body: str) -> list[Mapping[str, Any]]:
    """The messages in an envelope; empty where it cannot be read."""
    try:
        entry = json.loads(json.loads(body)["whatsAppWebhookEntry"])
        found: list[Mapping[str, Any]] = [
            message for change in entry["changes"] for message in change["value"].get("messages", ())
        ]
    except (KeyError, TypeError, ValueError):
        return []
    return found


def _theirs(row: Row, who: Erased) -> bool:
    return bool(row["wa_id"] == who.wa_id or row["user_id"] == who.user_id)


def _threads_of_others(history: History, observed: Observed) -> set[str]:
    """Threads in which somebody wrote who was not erased: nothing in them may be."""
    theirs = {w for w, row in history.written.items() if any(_theirs(row, who) for who in observed.erased)}
    written = history.written.keys() - theirs
    return {seen.conversation_id for seen in observed.messages if seen.wamid in written}


def _message(attempt: str) -> str:
    return attempt.rpartition(".")[0]
