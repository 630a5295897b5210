"""Compares every slot of arrivals with what became of it: 20 s after it ended, after an hour, after 8 days.

A gap is repaired at the first look and told at the second one, 10 s later, if it is still there: within 60 s of
the arrival. Slots are looked at again later, because an envelope may be archived long after its stamp: a queue
that stood still, and Meta's own retries over 7 days.

    config  pk "reconcile", sk <pass>   next (the slot that comes), open (slots with gaps), at
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from services.ingest.archive import slot
from services.ingest.archived import Archived
from services.ingest.keeper.looking import Looker
from services.ingest.keeper.slots import SLOT_S, STAGES, Stage, lasting, silent, slot_of, total
from shared.alerts import alert
from shared.bus.port import Bus, BusUnavailableError
from shared.clock import Clock
from shared.objects.port import Objects
from shared.observability.metrics import Metrics
from shared.store.port import Put, Store

# Pass -> how many seconds after its end a slot is looked at.
PASSES: Mapping[str, int] = {"fresh": 20, "hour": 3600, "week": 8 * 24 * 3600}
MOST = 60  # slots a pass and round: ten minutes are caught up within one round
OPEN_MOST = 500  # what is open beyond this is told of, but not kept across processes
SILENCE_S = 60
# AWS End User Messaging Social user guide, "Monitoring with EventBridge".
RECEIVED = "WhatsApp Message Received"
_NS = 1_000_000_000
Gaps = Mapping[Stage, frozenset[str]]


@dataclass(slots=True)
class _Pass:
    """How far a pass is: the next slot, and slots with gaps -> what was missing at the last look."""

    next: int
    open: dict[int, Gaps] = field(default_factory=dict)


class Reconciler:
    """One round every 10 s, under the keeper's lease."""

    def __init__(
        self, store: Store, raw: Objects, looker: Looker, bus: Bus, metrics: Metrics, clock: Clock
    ) -> None:
        self._store = store
        self._raw = raw
        self._archived = Archived(raw)
        self._looker = looker
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._passes: dict[str, _Pass] = {}
        self._listened = 0  # the last minute in which it was asked whether SNS is silent

    async def round(self) -> dict[Stage, int]:
        """Look at what is due; answers what each stage lacks now. Raises what the stores raise."""
        gaps: list[Gaps] = []
        for name, lag_s in PASSES.items():
            at = self._passes.get(name) or await self._begin(name, lag_s)
            self._passes[name] = at
            gaps += [found async for found in self._again(at)]
            gaps += [found async for found in self._forward(at, lag_s)]
            await self._keep(name, at)
        lacking = total(gaps)
        for stage in STAGES:
            self._metrics.ledger_gap_messages.labels(stage).set(lacking[stage])
        await self._listen()
        return lacking

    async def _begin(self, name: str, lag_s: int) -> _Pass:
        known = await self._store.get("config", "reconcile", name)
        if known is None:
            return _Pass(slot_of(self._clock.now_ms()) - lag_s // SLOT_S * SLOT_S - SLOT_S)
        return _Pass(known["next"], {at: {} for at in known["open"]})

    async def _keep(self, name: str, at: _Pass) -> None:
        state = {"next": at.next, "open": sorted(at.open)[:OPEN_MOST], "at": self._clock.now_ms()}
        await self._store.write(Put("config", {"pk": "reconcile", "sk": name, **state}))

    async def _forward(self, at: _Pass, lag_s: int) -> AsyncIterator[Gaps]:
        """The slots that have come of age, those with something in them looked at."""
        end = min(slot_of(self._clock.now_ms() - lag_s * 1000), at.next + MOST * SLOT_S)
        found = await self._looker.keys(at.next, end)
        for slot_s, keys in found.items():
            gaps = await self._look(at, slot_s, keys)
            if gaps:
                yield gaps
        at.next = max(at.next, end)

    async def _again(self, at: _Pass) -> AsyncIterator[Gaps]:
        """The slots with gaps."""
        for slot_s in sorted(at.open):
            found = await self._looker.keys(slot_s, slot_s + SLOT_S)
            gaps = await self._look(at, slot_s, found.get(slot_s, []))
            if gaps:
                yield gaps

    async def _look(self, at: _Pass, slot_s: int, keys: list[str]) -> Gaps:
        look = await self._looker.look(keys)
        gaps = look.seen.gaps()
        if not gaps:
            at.open.pop(slot_s, None)
            return gaps
        for stage in lasting(at.open.get(slot_s, {}), gaps):
            await self._tell("ledger_gap", f"{stage}.{slot_s}")
        at.open[slot_s] = gaps
        await self._looker.repair(look)
        return gaps

    async def _listen(self) -> None:
        """Whether EventBridge tells of messages that SNS does not bring."""
        now = slot_of(self._clock.now_ms())
        if now // 60 == self._listened:
            return  # once a minute is enough
        self._listened = now // 60
        since = now - 2 * SILENCE_S
        witnessed = [at async for at in self._witnessed(since, now)]
        if not witnessed:
            return
        came = await self._looker.keys(since - SILENCE_S, now + SLOT_S)
        if silent(witnessed, came, self._clock.now_ms(), SILENCE_S // 2):
            await self._tell("sns_silent", str(min(witnessed) // 600))

    async def _witnessed(self, since: int, now: int) -> AsyncIterator[int]:
        for at in range(since, now, SLOT_S):
            async for info in self._raw.list(f"raw/witness/{slot(at * _NS)}/"):
                found = await self._archived.read(info.key)
                if found.envelope is not None and found.envelope.body.get("detail-type") == RECEIVED:
                    yield at
                    break

    async def _tell(self, name: str, about: str) -> None:
        try:
            await self._bus.publish([alert(self._clock, name, "page", about)])
        except BusUnavailableError:
            return  # the next look tells it again, under the same id
