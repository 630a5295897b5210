"""What the guard decides on, read consistently right before a send, and the tokens taken for it."""

from dataclasses import dataclass

from shared.clock import Clock
from shared.policy import account
from shared.policy import state as policy
from shared.policy.guard import Allow, Kind, State, Verdict, Wait, guard
from shared.record.codec import clear
from shared.store.port import ConditionFailedError, Item, Store

RACES = 5  # how often others may take the token before the lane waits a moment
RACE_PAUSE_MS = 50


@dataclass(frozen=True, slots=True)
class Sending:
    """Who is about to be sent what.

    `window_ends_at`: of the thread, ms; None where it is not needed or shut. `template`: its name and language.
    """

    kind: Kind
    pnid: str
    conversation_id: str
    contact_id: str
    window_ends_at: int | None = None
    template: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Standing:
    state: State
    pair: Item | None
    throughput: Item | None


class Standing:
    """Asks the guard.

    Args:
        wabas: our accounts; an open breaker of any stops all.
    """

    def __init__(self, store: Store, clock: Clock, wabas: tuple[str, ...]) -> None:
        self._store = store
        self._clock = clock
        self._wabas = wabas

    async def ask(self, sending: Sending) -> Verdict:
        """The guard's word; nothing is taken."""
        return guard(sending.kind, (await self._read(sending)).state, self._clock.now_ms())

    async def admit(self, sending: Sending) -> Verdict:
        """The guard's word; for Allow the tokens are taken, so only who holds the head may ask."""
        for _ in range(RACES):
            standing = await self._read(sending)
            verdict = guard(sending.kind, standing.state, self._clock.now_ms())
            if not isinstance(verdict, Allow) or await self._take(sending, standing, verdict):
                return verdict
        return Wait("contended", self._clock.now_ms() + RACE_PAUSE_MS)

    async def _read(self, sending: Sending) -> _Standing:
        pair, number = _keys(sending)
        breakers = [policy.breaker_pk(waba) for waba in self._wabas]
        accounts = [account.account_pk(waba) for waba in self._wabas] if sending.template else []
        templates = [_template_pk(waba, sending.template) for waba in self._wabas if sending.template]
        wanted = [pair, number, policy.optout_pk(sending.contact_id), *breakers, *accounts, *templates]
        found = await self._store.get_many([(policy.TABLE, pk, "-") for pk in wanted])
        items = {key[1]: item for key, item in found.items()}
        state = State(
            window_ends_at=sending.window_ends_at,
            opted_out=policy.opted_out(items.get(policy.optout_pk(sending.contact_id))),
            breaker_open=any(items.get(pk, {}).get("open", False) for pk in breakers),
            template_unusable=not all(account.template_usable(items.get(pk)) for pk in templates),
            templates_restricted=any(
                account.templates_restricted(items.get(pk), self._clock.now_ms()) for pk in accounts
            ),
            pair_tat_us=items.get(pair, {}).get(policy.TAT),
            number_tat_us=items.get(number, {}).get(policy.TAT),
        )
        return _Standing(state, items.get(pair), items.get(number))

    async def _take(self, sending: Sending, standing: _Standing, allow: Allow) -> bool:
        """Both tokens, the contended one first; False where somebody else was faster."""
        pair, number = _keys(sending)
        try:
            await self._store.write(policy.move_bucket(number, standing.throughput, allow.number_tat_us))
            await self._store.write(policy.move_bucket(pair, standing.pair, allow.pair_tat_us))
        except ConditionFailedError:
            return False
        return True


def _template_pk(waba: str, template: tuple[str, str]) -> str:
    name, language = map(clear, template)
    return account.template_pk(waba, name, language)


def _keys(sending: Sending) -> tuple[str, str]:
    return policy.pair_pk(sending.pnid, sending.contact_id), policy.throughput_pk(sending.pnid)
