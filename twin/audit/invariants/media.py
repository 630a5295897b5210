"""Invariant 2: the files that customers sent are served, byte for byte."""

from collections.abc import Iterator

from twin.audit.finding import Finding
from twin.audit.history import History, Row
from twin.audit.observed import Observed, Seen

_META_KEEPS_MS = 30 * 24 * 3600 * 1000  # EUM Social: media stay 30 days
_NO_REASON = frozenset({None, ""})
_FALSE = {True: _NO_REASON, False: _NO_REASON | {"expired"}}


def media(history: History, observed: Observed) -> Iterator[Finding]:
    """(2) Each file a customer sent is served with the bytes that were sent."""
    by_wamid = {seen.wamid: seen for seen in observed.messages}
    for wamid, row in history.written.items():
        seen = by_wamid.get(wamid)
        if seen is None or wamid not in history.published:
            continue
        for sha in row["media_sha256"]:
            if observed.files.get(sha) == sha or _unfit(seen, sha, expired=_expired(history, row)):
                continue
            yield Finding(2, "lost", seen.message_id, f"the bytes of a {row['type']} are not served")


def _expired(history: History, row: Row) -> bool:
    """Whether Meta no longer had the file when the history ended."""
    return history.until_ms - int(row["at"]) > _META_KEEPS_MS


def _unfit(seen: Seen, sha: str, *, expired: bool) -> bool:
    """A file that was refused for a stated reason is kept as that outcome; one still there is not expired."""
    return any(
        item.get("state") in {"failed", "quarantined"} and item.get("reason") not in (_FALSE[expired])
        for item in seen.media
        if item.get("sha256") in {None, sha}
    )
