"""Where a message goes: pure decisions over its facts and the rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.forwarder.config import Destination, Match, Route, Rules

MAX_DESTINATIONS = 30  # CONTRACTS s.4: one transaction holds a message's deliveries


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules may ask of a message. `text`: what the person wrote; empty where no rule asks for words."""

    pnid: str
    type: str
    text: str = ""
    protected: bool = False


def destinations(facts: Facts, rules: Rules) -> tuple[Destination, ...]:
    """The destinations of a message, each once, in the order of their ids.

    A protected person's messages go nowhere (N6). Beyond 30 the first ones by id are taken.
    """
    if facts.protected:
        return ()
    named = {name for route in rules.routes if _takes(route, facts) for name in route.destinations}
    known = [rules.destinations[name] for name in sorted(named) if name in rules.destinations]
    return tuple(known[:MAX_DESTINATIONS])


def asks_for_words(routes: Sequence[Route]) -> bool:
    """Whether any rule needs the content to be opened."""
    return any(route.enabled and route.match.by == "keyword" for route in routes)


def _takes(route: Route, facts: Facts) -> bool:
    return route.enabled and _matches(route.match, facts)


def _matches(match: Match, facts: Facts) -> bool:
    if match.by == "number":
        return facts.pnid in match.values
    if match.by == "type":
        return facts.type in match.values
    if match.by == "keyword":
        text = facts.text.casefold()
        return any(word.casefold() in text for word in match.values if word)
    return True
