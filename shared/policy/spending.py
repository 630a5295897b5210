"""Each sender's budgets as they stand in table `policy`, pk = `BUDGET#<kind>#<contact_id>`.

`config`, pk "budget", sk <kind>: amount, as an editor has set it. A crash between taking and working costs the
sender a piece of budget, which is the safe side.
"""

from dataclasses import asdict, dataclass

from shared.alerts import alert
from shared.clock import Clock
from shared.events.model import AlertRaisedEvent
from shared.policy.budget import DEFAULTS, Kind, Over, Spend, State, spend
from shared.policy.state import TABLE
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Store, Update

RACES = 20


@dataclass(frozen=True, slots=True)
class Deferred:
    """The work waits until then (ms); `alert` is to be published where nobody knows yet."""

    until_ms: int
    alert: AlertRaisedEvent | None = None


class Spending:
    """Takes from budgets."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def take(
        self, kind: Kind, contact_id: str, amount: int, conversation_id: str = ""
    ) -> Deferred | None:
        """Take what a piece of work costs; None = do it now.

        Args:
            kind: of the work.
            contact_id: whose message it is for.
            amount: in the kind's unit.
            conversation_id: what the alert is about.

        Raises ContendedError, StoreUnavailableError.
        """
        pk, limit = f"BUDGET#{kind}#{contact_id}", await self._limit(kind)
        for _ in range(RACES):
            item = await self._store.get(TABLE, pk)
            verdict = spend(_state(item), amount, limit, self._clock.now_ms())
            if isinstance(verdict, Over) and not verdict.tell:
                return Deferred(verdict.until_ms)
            if await self._moved(pk, item, verdict.state):
                return None if isinstance(verdict, Spend) else self._told(kind, pk, conversation_id, verdict)
        raise ContendedError("budget: others kept spending")

    async def _limit(self, kind: Kind) -> int:
        found = await self._store.get("config", "budget", kind)
        amount = (found or {}).get("amount")
        return amount if isinstance(amount, int) else DEFAULTS[kind]

    async def _moved(self, pk: str, item: Item | None, state: State) -> bool:
        same = Attr("rev").eq(item["rev"]) if item else Attr("pk").not_exists()
        try:
            await self._store.write(Update(TABLE, pk, "-", set=asdict(state), add={"rev": 1}, condition=same))
        except ConditionFailedError:
            return False
        return True

    def _told(self, kind: Kind, pk: str, conversation_id: str, over: Over) -> Deferred:
        about = f"{pk.rpartition('#')[2]}.{over.state.since_ms}"
        return Deferred(
            over.until_ms, alert(self._clock, f"budget_{kind}", "warn", about, subject=conversation_id)
        )


def _state(item: Item | None) -> State:
    return State(item["since_ms"], item["used"], item["told"]) if item else State()
