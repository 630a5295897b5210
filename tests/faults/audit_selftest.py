"""`make audit-selftest`: an audit that cannot find a fault is worth nothing, so a saboteur makes some.

After a small morning that the audit calls clean, each sabotage is done for real on the running system's stores
and wires, and the audit must name it: its invariant, its fault and its victim. What can be undone is undone, and
the audit must be clean again; what cannot comes last.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.faults import newsroom_run
from tests.faults.newsroom import Newsroom
from tests.faults.newsroom_audit import Audit, Found
from tests.faults.sabotage import Expected, Harm, Row, Sabotage, Scene
from tests.faults.sabotage_proxy import Proxy
from tests.faults.sabotage_stores import ALONE, UNDONE
from tests.faults.sabotage_wire import LASTING, STEALING

LEAST = 20
_PEOPLE, _TEXTS, _IMAGES, _REPLIES = 8, 6, 8, 14
_REST_S = 90.0
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What came of all of it."""

    rows: list[Row] = field(default_factory=list)
    before: str = ""
    clean_before: bool = False
    clean_again: bool = False
    audits: int = 0

    @property
    def found(self) -> int:
        """How many sabotages the audit named."""
        return sum(row.found for row in self.rows)

    @property
    def passed(self) -> bool:
        """Whether all were named, there were enough, and the audit was clean where it had to be."""
        whole = len(self.rows) >= LEAST and self.found == len(self.rows)
        return whole and self.clean_before and self.clean_again

    def verdict(self) -> str:
        """The last line."""
        return f"{self.found} of {len(self.rows)} sabotages found"


async def nothing_at_all(scene: Scene) -> Harm:
    """Planted: a sabotage that is not carried out."""
    yield (Expected(3, "duplicated", scene.take().message_id),)


async def morning(room: Newsroom, texts: int) -> None:
    """A small finished morning: texts, pictures, and replies that were read."""
    for number in range(_PEOPLE * texts):
        await room.write(room.people[number % _PEOPLE], type="text", text=f"Mensaje {number}")
    for number in range(_IMAGES):
        await room.write(room.people[number % _PEOPLE], type="image", text=f"Foto {number}, incendio")
    await room.settled()
    inbox: list[str] = []
    async with asyncio.timeout(_REST_S):
        while len(inbox) < _PEOPLE:
            await asyncio.sleep(0.2)
            inbox = await room.conversations()
    for number in range(_REPLIES):
        await room.reply(inbox[number % (_REPLIES // 2)])


class Trial:
    """Sabotages one system and asks the audit.

    Args:
        room: its morning is over.
        say: told of each step.
    """

    def __init__(self, room: Newsroom, scene: Scene, say: Say) -> None:
        self._room = room
        self._scene = scene
        self._say = say
        self.outcome = Outcome()

    async def run(self, undone: Sequence[Sabotage], lasting: Sequence[Sabotage], *, at_once: bool) -> Outcome:
        """All of them, one after another or in few heaps."""
        first = await self._ask(_REST_S)
        self.outcome.before, self.outcome.clean_before = first.line, first.clean
        self._say(f"clean audit: {first.told()}")
        if not first.clean:
            return self.outcome
        await self._scene.look()
        known = first.findings
        for heap in _heaps(undone, at_once=at_once):
            await self._harm(heap, known)
        again = await self._ask(_REST_S)
        self.outcome.clean_again = again.clean
        self._say(f"all undone: {again.told()}")
        known = again.findings
        for heap in _heaps(lasting, at_once=at_once):
            known = await self._harm(heap, known)
        return self.outcome

    async def _ask(self, wait_s: float) -> Audit:
        self.outcome.audits += 1
        return await self._room.audit(wait_s, CDMX_DESK_URL=self._scene.proxy.url)

    async def _harm(self, heap: Sequence[Sabotage], known: frozenset[Found]) -> frozenset[Found]:
        """Carry a heap out, ask, undo."""
        rows = []
        async with AsyncExitStack() as undoing:
            for sabotage in heap:
                harm = sabotage(self._scene)
                expected = await anext(aiter(harm))
                undoing.push_async_callback(_finished, harm)
                rows.append(Row(sabotage.__name__, (sabotage.__doc__ or "").strip(), expected))
            audit = await self._ask(_REST_S)
        self._judge(rows, audit, known)
        return audit.findings

    def _judge(self, rows: Sequence[Row], audit: Audit, known: frozenset[Found]) -> None:
        named = {Expected(f.invariant, f.fault, f.subject) for f in audit.findings - known}
        for row in rows:
            row.missing = [each for each in row.expected if each not in named]
            row.found = not row.missing and audit.code != 0
            self.outcome.rows.append(row)
            self._say(f"{'found ' if row.found else 'MISSED'} {row.name}: {row.text}")


def _heaps(sabotages: Sequence[Sabotage], *, at_once: bool) -> list[Sequence[Sabotage]]:
    """Those that hurt messages which are not their victims are always alone, or they would help the others."""
    if not at_once:
        return [(each,) for each in sabotages]
    alone = [(each,) for each in sabotages if each in ALONE]
    return [[each for each in sabotages if each not in ALONE], *alone]


async def _finished(harm: AsyncIterator[tuple[Expected, ...]]) -> None:
    """Let a sabotage undo itself."""
    async for _ in harm:
        raise RuntimeError("a sabotage yields once")


async def sabotaged(
    room: Newsroom, say: Say, *, plant: bool, at_once: bool, steal: bool = True, texts: int = _TEXTS
) -> Outcome:
    """A morning, then every sabotage.

    Args:
        room: whose morning it is.
        say: told of each step.
        plant: with one that is not carried out.
        at_once: in few heaps.
        steal: those too that stop a worker.
        texts: how many each customer writes; fewer do where there were others before.
    """
    await room.system.stop_part("keeper")  # it would repair what is sabotaged before the audit looks
    await morning(room, texts)
    say(f"morning over: {dict(room.told())}")
    async with Proxy(room.http, room.system.urls["desk"]) as proxy:
        trial = Trial(room, Scene(room, proxy), say)
        planted = (nothing_at_all,) if plant else ()
        lasting = (*LASTING, *(STEALING if steal else ()))
        return await trial.run((*planted, *UNDONE), lasting, at_once=at_once)


def _table(outcome: Outcome) -> Table:
    table = Table("invariant", "sabotage", "found")
    for row in sorted(outcome.rows, key=lambda row: row.expected[0].invariant):
        named = ", ".join(sorted({f"({e.invariant}) {e.fault}" for e in row.expected}))
        table.add_row(named, row.text, "yes" if row.found else f"[red]NO[/]: {row.missing}")
    return table


async def main(seed: int, *, plant: bool, at_once: bool) -> int:
    """Exit 0 when every sabotage was found."""
    say = newsroom_run.Steps()
    async with newsroom_run.opened(seed, _PEOPLE) as room:
        outcome = await sabotaged(room, say, plant=plant, at_once=at_once)
        counts = ", ".join(f"{count} {name}" for name, count in room.told())
    Console(width=160).print(_table(outcome))
    invariants = sorted({each.invariant for row in outcome.rows for each in row.expected})
    print(f"seed {seed}, commit {newsroom_run.commit()}; {counts}; {outcome.audits} audits")
    print(f"invariants hurt: {', '.join(map(str, invariants))} of 1 to 13; clean before and after undoing: "
          f"{outcome.clean_before and outcome.clean_again}")  # fmt: skip
    print(outcome.verdict())
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    options = newsroom_run.parser("audit_selftest", __doc__, "a sabotage that is not carried out: must fail")
    options.add_argument("--at-once", action="store_true", help="in few heaps: six audits instead of fifty")
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.seed, plant=given.plant, at_once=given.at_once)))
