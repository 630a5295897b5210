"""A message's files as one caller may see them: how far they are and why, signed addresses, what is known of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from services.desk.file_models import Explained, Medium, Rendition, Transcript
from shared.clock import Clock
from shared.media.outcomes import explain
from shared.objects.cdn import ORIGINAL
from shared.policy.budget import DAY_MS
from shared.policy.state import TABLE as POLICY
from shared.record.reader import Reader, View
from shared.store.port import Item, Store

URL_S = 300  # how long a signed URL is good: the console asks again when it needs one later
PROTECTED_URL_S = 60  # issue Record: at most a minute for people who are protected
Phase = Literal["fetching", "waiting", "held", "ready", "expired", "erased", "failed", "quarantined"]
HELD = "held"
_COMING = Explained(
    code="fetching", text="Se está recibiendo y revisando. Aparece solo en unos segundos.", helps="machine"
)
_HELD = Explained(
    code=HELD,
    text="Esta persona agotó su presupuesto de hoy: el archivo está a salvo y llega solo al empezar el siguiente día.",
    helps="machine",
)
_ERASED = Explained(
    code="erased", text="Se borró a petición de la persona. No se puede recuperar.", helps="never"
)


class Urls(Protocol):
    """Signs URLs of served media (shared/objects/cdn.py)."""

    def url(self, sha256: str, ttl_s: int, rendition: str = ORIGINAL) -> str:
        """The URL of the original or of a rendition, good for `ttl_s` seconds."""
        ...


def phase(state: str, reason: str | None) -> Phase:
    """Where a file stands, in one word."""
    if state == "pending":
        return "fetching" if not reason else "held" if reason == HELD else "waiting"
    ends: dict[str, Phase] = {"expired": "expired", "erased": "erased"}
    if state == "failed":
        return ends.get(reason or "", "failed")
    return "ready" if state == "ready" else "quarantined"


def outcome(state: str, reason: str | None, *, uploaded: bool = False) -> Explained | None:
    """Why a file stands where it does and what helps, in plain Spanish; None where there is nothing to say.

    `uploaded`: it is one of ours, which nobody else can send again.
    """
    at = phase(state, reason)
    if at in ("fetching", "held", "erased"):
        return {"fetching": _COMING, "held": _HELD, "erased": _ERASED}[at]
    if not reason:
        return None if at == "ready" else _told("unexplained", uploaded=uploaded)
    told = _told(reason, uploaded=uploaded)
    return _COMING if at == "waiting" and explain(reason).state != "pending" else told


def _told(code: str, *, uploaded: bool) -> Explained:
    known = explain(code, uploaded=uploaded)
    return Explained(code=code, text=known.es, helps=known.retry)


class MediaView:
    """Renders files.

    Args:
        urls: signs their addresses.
    """

    def __init__(self, store: Store, reader: Reader, urls: Urls, clock: Clock) -> None:
        self._store = store
        self._reader = reader
        self._urls = urls
        self._clock = clock

    async def all(self, view: View, *, shown: bool, protected: bool) -> list[Medium]:
        """The files of a message with what was read out of them; of what is not shown only that there is a file."""
        return [
            await self._medium(each, view, shown=shown, protected=protected) for each in view.item["media"]
        ]

    async def _medium(self, medium: Mapping[str, Any], view: View, *, shown: bool, protected: bool) -> Medium:
        state, reason = medium["state"], medium.get("reason")
        if state == "pending" and not reason and await self._over_budget(view.item):
            reason = HELD
        facts = {"n": medium["n"], "mime": medium["mime"], "state": state, "phase": phase(state, reason)}
        if not shown:
            return Medium(**facts)
        sha256, ttl_s = medium.get("sha256"), PROTECTED_URL_S if protected else URL_S
        served = sha256 if state == "ready" else None
        return Medium(
            **facts,
            size=medium.get("size"),
            sha256=sha256,
            reason=reason,
            explained=outcome(state, reason, uploaded="upload_id" in medium),
            url=self._urls.url(served, ttl_s) if served else None,
            url_seconds=ttl_s if served else None,
            renditions=self._renditions(served, medium.get("renditions", ()), ttl_s) if served else [],
            transcription=medium.get("transcript"),
            **await self._reading(view, medium["n"]),
        )

    def _renditions(self, sha256: str, names: Sequence[str], ttl_s: int) -> list[Rendition]:
        return [Rendition(name=name, url=self._urls.url(sha256, ttl_s, name)) for name in names]

    async def _reading(self, view: View, n: int) -> dict[str, Any]:
        """What was read out of a file; several readings of it are one."""
        said: dict[str, Any] = {}
        for item in view.readings:
            if item["n"] == n:
                said |= {
                    name: value for name, value in (await self._reader.open_child(item)).items() if value
                }
        heard = said.get("transcript")
        return {
            "text": said.get("text"),
            "card": dict(said["card"]) if said.get("card") else None,
            "transcript": Transcript(text=heard["text"], confidence=heard["confidence"]) if heard else None,
        }

    async def _over_budget(self, message: Item) -> bool:
        """Whether a person of ours was told that the sender's budget is used up: what is not here yet waits for it."""
        if message["direction"] != "in" or message["source"] != "live":
            return False
        budget = await self._store.get(POLICY, f"BUDGET#media_bytes#{message['contact_id'] or message['pk']}")
        spent = budget is not None and budget["told"]
        return bool(spent and budget and self._clock.now_ms() < budget["since_ms"] + DAY_MS)
