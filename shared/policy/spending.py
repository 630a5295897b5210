"""Each sender's budgets as they stand in table `policy`, pk = `BUDGET#<kind>#<contact_id>`.

`config`, pk "budget", sk <kind>: amount, as an editor has set it. A piece of work is paid for once, however often it is
begun: table `ids`, pk = `paid#<kind>#<work>` (TTL 8 d, longer than a work may be on its way), in the same transaction.
"""

from dataclasses import asdict, dataclass

from shared.alerts import alert
from shared.clock import Clock
from shared.due import outbox
from shared.events.model import AlertRaisedEvent
from shared.ids import Ids
from shared.policy.budget import DEFAULTS, Kind, Over, State, spend
from shared.policy.state import TABLE
from shared.record.commit import commit
from shared.store.port import Attr, ConditionFailedError, ContendedError, Item, Op, Put, Store, Update

RACES = 20
PAID_MS = 8 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Deferred:
    """The work waits until then (ms); `alerts` are to be published (`due.publish_outbox`) where nobody knows yet."""

    until_ms: int
    alerts: tuple[AlertRaisedEvent, ...] = ()
    owed: tuple[Update, ...] = ()


class Spending:
    """Takes from budgets.

    Args:
        service: whose outbox publishes an alert should the process die before.
    """

    def __init__(self, store: Store, clock: Clock, ids: Ids, service: str) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._service = service

    async def take(
        self, kind: Kind, contact_id: str, amount: int, work: str, conversation_id: str = ""
    ) -> Deferred | None:
        """Take what a piece of work costs; None = do it now.

        Args:
            kind: of the work.
            contact_id: whose message it is for.
            amount: in the kind's unit.
            work: which one; what was taken for it once is not taken again.
            conversation_id: what the alert is about.

        Raises ContendedError, StoreUnavailableError.
        """
        budget, paid = (TABLE, f"BUDGET#{kind}#{contact_id}", "-"), ("ids", f"paid#{kind}#{work}", "-")
        limit = ("config", "budget", kind)
        for _ in range(RACES):
            found = await self._store.get_many([budget, limit, paid])
            if paid in found:
                return None
            verdict = spend(
                _state(found.get(budget)), amount, _limit(found.get(limit), kind), self._clock.now_ms()
            )
            if isinstance(verdict, Over) and not verdict.tell:
                return Deferred(verdict.until_ms)
            deferred = (
                self._told(kind, contact_id, conversation_id, verdict) if isinstance(verdict, Over) else None
            )
            beside = deferred.owed if deferred is not None else (self._mark(paid[1]),)
            if await self._moved([_move(budget[1], found.get(budget), verdict.state), *beside]):
                return deferred
        raise ContendedError("budget: others kept spending")

    def _mark(self, pk: str) -> Op:
        ttl = (self._clock.now_ms() + PAID_MS) // 1000
        return Put("ids", {"pk": pk, "sk": "-", "ttl": ttl}, absent=True)

    async def _moved(self, ops: list[Op]) -> bool:
        try:
            await commit(self._store, self._ids, ops)
        except ConditionFailedError:
            return False
        return True

    def _told(self, kind: Kind, contact_id: str, conversation_id: str, over: Over) -> Deferred:
        about = f"{contact_id}.{over.state.since_ms}"
        told = alert(self._clock, f"budget_{kind}", "warn", about, subject=conversation_id)
        return Deferred(over.until_ms, (told,), tuple(outbox(self._service, self._clock.now_ms(), [told])))


def _state(item: Item | None) -> State:
    return State(item["since_ms"], item["used"], item["told"]) if item else State()


def _move(pk: str, item: Item | None, state: State) -> Op:
    same = Attr("rev").eq(item["rev"]) if item else Attr("pk").not_exists()
    return Update(TABLE, pk, "-", set=asdict(state), add={"rev": 1}, condition=same)


def _limit(item: Item | None, kind: Kind) -> int:
    amount = (item or {}).get("amount")
    return amount if isinstance(amount, int) else DEFAULTS[kind]
