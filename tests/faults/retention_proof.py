"""`make retention-proof`: the same file on day 1 and on day 89, looked at on day 91, and on every day after.

A newsroom's half year on an injected clock: people write every day, some send the file that is shared, some are
under a legal hold; the keeper's own retention runs each day over the real ingest's record. What must be there and
what must be gone is said by an oracle of this file, from the days alone.
"""

import argparse
import asyncio
import hashlib
import random
import secrets
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shared.objects.cdn import served_key
from shared.record import retention
from tests.faults.newsroom_run import commit
from tests.unit.keeper.keeper_world import DAY_MS, NOON_MS, Keep, attach, index, keep, messages, says

KEEP_DAYS = 90
LAST_DAY = 200
SHARED = b"the same bytes, sent by two people on day 1 and on day 89"


@dataclass
class Sent:
    """One message: on which day, by whom, with which file."""

    wamid: str
    day: int
    who: str
    sha256: str | None = None
    held: bool = False
    message_id: str = ""


@dataclass
class Outcome:
    """What was checked and what was wrong."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def check(self, holds: object, what: str) -> None:
        """Count a check; what it was about where it failed."""
        self.counts["checks"] += 1
        if not holds:
            self.wrong.append(what)


def drawn(chance: random.Random) -> list[Sent]:
    """A half year: two messages a day, the shared file on days 1 and 89, one person in six under a hold."""
    people = [f"52155{number:08d}" for number in chance.sample(range(10**8), 12)]
    made = [Sent("wamid.first", 1, people[0]), Sent("wamid.second", 89, people[1])]
    for day in range(1, 150):
        made += [Sent(f"wamid.{day}.{n}", day, chance.choice(people[2:])) for n in range(2)]
    held = frozenset(chance.sample(people[2:], 2))
    for sent in made:
        sent.held = sent.who in held
    return sorted(made, key=lambda sent: sent.day)


async def written(k: Keep, sent: Sent, chance: random.Random) -> None:
    """It arrives on its day, with the shared file, one of three that circulate, or none."""
    k.world.clock.ms = NOON_MS + (sent.day - 1) * DAY_MS + chance.randrange(3600_000)
    item = await says(k, sent.wamid, f"nota {sent.wamid}", who=sent.who)
    sent.message_id = item["message_id"]
    body = SHARED if sent.wamid in {"wamid.first", "wamid.second"} else None
    if body is None and chance.random() < 0.4:
        body = b"meme %d" % chance.randrange(3)
    if body is not None:
        sent.sha256 = await attach(k, item, body)
    index(k, item)


def lives(sent: Sent, today: int) -> bool:
    """The oracle, at the end of a day: 90 whole days from the moment it was kept, or for ever under a hold."""
    return sent.day <= today and (sent.held or today - sent.day < KEEP_DAYS)


async def looked_at(k: Keep, all_sent: list[Sent], today: int, outcome: Outcome) -> None:
    """Compare the record on a day with what the oracle says."""
    there = {item["message_id"]: item for item in await messages(k)}
    for sent in (each for each in all_sent if each.day <= today):
        expected = lives(sent, today)
        outcome.check((sent.message_id in there) == expected, f"day {today}: message of day {sent.day}")
        indexed = sent.message_id in k.search.messages
        outcome.check(indexed == expected, f"day {today}: document of day {sent.day}")
    files = {sent.sha256 for sent in all_sent if sent.sha256 and sent.day <= today}
    for sha in sorted(files):
        wanted = any(lives(sent, today) for sent in all_sent if sent.sha256 == sha)
        found = await k.bucket.head(served_key(sha)) is not None
        outcome.check(found == wanted, f"day {today}: file {sha[:8]} {'missing' if wanted else 'left'}")
        if wanted and found:
            body = await k.bucket.get(served_key(sha))
            outcome.check(hashlib.sha256(body).hexdigest() == sha, f"day {today}: bytes of {sha[:8]}")


async def proved(seed: int, *, plant: bool) -> Outcome:
    """Half a year, day by day."""
    chance = random.Random(seed)  # noqa: S311 - reproducible, not secret
    k, all_sent, outcome = keep(), drawn(chance), Outcome()
    await retention.put(k.world.store, "messages", KEEP_DAYS, "agent-1", NOON_MS)
    if plant:
        k.files.release = _by_age(k)  # type: ignore[method-assign] # the planted bug
    for today in range(1, LAST_DAY + 1):
        for sent in (each for each in all_sent if each.day == today):
            await written(k, sent, chance)
            if sent.held:
                await _held(k, sent)
        k.world.clock.ms = NOON_MS + today * DAY_MS - 1
        tally = await k.expiry.run()
        outcome.counts.update(expired=tally.messages, files=tally.files, runs=1)
        if today in {1, 89, 90, 91, 92, 179, 180, LAST_DAY} or today % 20 == 0:
            await looked_at(k, all_sent, today, outcome)
    outcome.counts.update(messages=len(all_sent), held=sum(sent.held for sent in all_sent))
    return outcome


async def _held(k: Keep, sent: Sent) -> None:
    """A hold on the person, once: it covers what is there and what comes."""
    owner = next(each["contact_id"] for each in await messages(k) if each["message_id"] == sent.message_id)
    if owner not in (await k.holds.held()).contacts:
        await k.holds.place(owner, "JUZGADO-7/2027", "agent-1")


def _by_age(k: Keep) -> Any:
    """The bug: a file goes with the first message that had it."""

    async def release(sha256: str, message_id: str, n: int) -> bool:
        del message_id, n
        await k.bucket.delete(served_key(sha256))
        return True

    return release


def main() -> int:
    """Exit 0 when every day was as the oracle says."""
    options = argparse.ArgumentParser(prog="python -m tests.faults.retention_proof", description=__doc__)
    options.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options.add_argument("--plant", action="store_true", help="a file goes by age: must fail")
    given = options.parse_args()
    outcome = asyncio.run(proved(given.seed, plant=given.plant))
    for what in outcome.wrong[:10]:
        print(f"  {what}")
    counts = ", ".join(f"{count} {name}" for name, count in sorted(outcome.counts.items()))
    print(f"seed {given.seed}, commit {commit()}; {counts}")
    verdict = "ok" if not outcome.wrong else "FAILED"
    print(
        f"retention-proof: {verdict}, {len(outcome.wrong)} of {outcome.counts['checks']} checks wrong; day 1 to {LAST_DAY}"
    )
    return 0 if not outcome.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
