"""Invariant 2: what is said about a message stands beside it."""

from collections.abc import Iterator, Mapping

from twin.audit.finding import Finding
from twin.audit.history import History, body
from twin.audit.observed import Observed, Seen

_TARGETS = {"reaction": "message_id", "edit": "original_message_id", "revoke": "original_message_id"}
_Beside = Mapping[tuple[str, str], frozenset[str]]


def beside(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each reaction, edit, revoke and status that left stands beside the message it is about."""
    if observed.beside is None:
        return
    known = _known(history, observed)
    yield from _relations(history, known, observed.beside)
    yield from _statuses(history, known, observed.beside)


def _known(history: History, observed: Observed) -> dict[str, Seen]:
    """Wamid -> message; ours are known by what a status taught."""
    by_id = {seen.message_id: seen for seen in observed.messages}
    known = {seen.wamid: seen for seen in observed.messages if seen.wamid}
    for wamid in history.named:
        seen = by_id.get(history.attempts.get(wamid, "").rpartition(".")[0])
        if seen is not None:
            known[wamid] = seen
    return known


def _relations(history: History, known: Mapping[str, Seen], there: _Beside) -> Iterator[Finding]:
    for wamid, row in history.written.items():
        relation = known.get(wamid)
        kind = str(row["type"])
        if relation is None or kind not in _TARGETS:
            continue
        target = known.get(str(body(row).get(kind, {}).get(_TARGETS[kind])))
        if target is not None and f"{kind}#{relation.message_id}" not in _of(target, there):
            yield Finding(2, "lost", target.message_id, f"a {kind} does not stand beside it")


def _statuses(history: History, known: Mapping[str, Seen], there: _Beside) -> Iterator[Finding]:
    for wamid, names in history.statuses.items():
        target = known.get(wamid)
        if target is None:
            continue
        number = history.attempts.get(wamid, "").rpartition(".")[2] or "0"
        stand = _of(target, there)
        for name in sorted(set(names)):
            if not {f"status#{number}.{name}", f"status#0.{name}"} & stand:
                yield Finding(2, "lost", target.message_id, f"the status {name} does not stand beside it")


def _of(seen: Seen, there: _Beside) -> frozenset[str]:
    return there.get((seen.conversation_id, seen.order_key), frozenset())
