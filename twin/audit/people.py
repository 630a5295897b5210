"""Who is who in a history: a person stays one through every change of number or user id."""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain

from twin.audit.history import History, body
from twin.audit.observed import Observed


@dataclass(slots=True)
class People:
    """Who writes in which thread; a person stays one through every change of number or user id."""

    successors: dict[str, str] = field(default_factory=dict)
    threads: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def root(self, user_id: str) -> str:
        """The last id a person is known by."""
        while user_id in self.successors:
            user_id = self.successors[user_id]
        return user_id


def people_of(history: History, observed: Observed) -> People:
    """Everybody who wrote, and in which threads; a thread of the business's own phone alone is its addressee's."""
    people = People()
    for row in history.written.values():
        moved = body(row).get("system")
        new = str(moved.get("user_id", "")) if isinstance(moved, dict) else ""
        if new and new != row["user_id"]:
            people.successors[str(row["user_id"])] = new
    holders = _holders(history, people)
    for seen in observed.messages:
        said = history.written.get(seen.wamid)
        if said is not None:
            people.threads[seen.conversation_id].add(people.root(str(said["user_id"])))
        elif seen.echo:
            people.threads[seen.conversation_id] |= holders.get(str(seen.content.get("to")), set())
    return people


def _holders(history: History, people: People) -> dict[str, set[str]]:
    """Number -> everybody who had it."""
    holders: dict[str, set[str]] = defaultdict(set)
    for row in (*history.written.values(), *chain.from_iterable(history.shown.values())):
        if row["wa_id"]:
            holders[str(row["wa_id"])].add(people.root(str(row["user_id"])))
    return holders
