"""Throws damaged payloads at every parser of shared/whatsapp and looks for what must never happen.

    python -m tests.conformance.fuzz --count 1000000 --seed 1

Must never happen: an exception other than Poison from `parse`, any exception from `items` or from what is
asked of an item, a message that is kept but differs from what came in, an item that cannot be written as
JSON. Every input follows from the seed and its number, so a finding prints what replays it.
"""

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

from shared.errors import Poison
from shared.whatsapp import content, errors, identity, outgoing, statuses
from shared.whatsapp.envelope import parse
from shared.whatsapp.item import AnyItem, MessageItem, MetaItem, StatusItem, UnknownItem
from shared.whatsapp.items import items
from shared.whatsapp.wire import dump

FIXTURES = Path(__file__).parents[1] / "data" / "webhooks"
_STEP = re.compile(r"([A-Za-z_]+)|\[(\d+)\]")
_OUTGOING: tuple[dict[str, Any], ...] = (
    {"type": "text", "text": {"body": "hola"}, "context": {"message_id": "wamid.1"}},
    {"type": "image", "image": {"id": "1", "caption": "x"}},
    {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}},
    {
        "type": "template",
        "template": {"name": "aviso", "language": {"code": "es_MX"}, "components": [{"a": 1}]},
    },
    {
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "¿Sí?"},
            "action": {"buttons": [{"type": "reply", "reply": {"id": "1", "title": "Sí"}}]},
        },
    },
)
_ODD: tuple[Callable[[random.Random], Any], ...] = (
    lambda _: None,
    lambda _: True,
    lambda _: "",
    lambda _: [],
    lambda _: {},
    lambda _: "\ud800",
    lambda _: "../../x",
    lambda _: "\x00",
    lambda _: "9" * 10_000,
    lambda _: float("nan"),
    lambda _: float("-inf"),
    lambda _: 1e308,
    lambda _: 253402300799,
    lambda rng: rng.choice((1 << 63, 1 << 64, -(1 << 63) - 1, 10**30, 0, -1)),
    lambda rng: _nested(rng.choice((10, 60, 300, 900))),
    lambda rng: rng.choice(("text", "image", "edit", "system", "hologram", "contacts")),
    lambda rng: rng.random() * 1e6,
)
_TOKENS = (
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    "\\",
    "\\ud800",
    "NaN",
    "Infinity",
    "1e999",
    "null",
    "\\u0000",
    "9" * 30,
)


class FindingError(AssertionError):
    """Something that must never happen, with the input that shows it."""


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def corpus() -> list[str]:
    """The fixtures' bodies; raises FileNotFoundError where there are none."""
    bodies = [path.read_text() for path in sorted(FIXTURES.glob("*.json"))]
    if not bodies:
        raise FileNotFoundError(FIXTURES)
    return bodies


def make(seed: int, number: int, bodies: list[str]) -> str:
    """Input `number` of a seed: a fixture with damage in its bytes or in its structure."""
    rng = random.Random(f"{seed}:{number}")  # noqa: S311 - reproducible damage, no secret
    body = rng.choice(bodies)
    way = rng.randrange(4)
    if way == 0:
        return _damaged_text(body, rng)
    try:
        value = json.loads(body)
    except ValueError:
        return _damaged_text(body, rng)
    inner = isinstance(value, dict) and isinstance(value.get("whatsAppWebhookEntry"), str)
    if inner and way != 1:
        entry = value["whatsAppWebhookEntry"]
        value["whatsAppWebhookEntry"] = _damaged_text(entry, rng) if way == 2 else _damaged_json(entry, rng)
        return json.dumps(value)
    return _damaged_json(body, rng)


def _damaged_text(text: str, rng: random.Random) -> str:
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        until = min(len(text), at + rng.choice((1, 1, 3, 40)))
        text = rng.choice(
            (
                text[:at],
                text[:at] + text[until:],
                text[:at] + rng.choice(_TOKENS) + text[at:],
                text[:at] + rng.choice(_TOKENS) + text[until:],
                text[:until] + text[at:],
            )
        )
    return text


def _damaged_json(text: str, rng: random.Random) -> str:
    value = json.loads(text)
    for _ in range(rng.randrange(1, 4)):
        value = _replaced(value, rng)
    return json.dumps(value, ensure_ascii=rng.random() < 0.9)


def _replaced(value: Any, rng: random.Random) -> Any:
    """The value with something odd at a random place, a member lost, or one that nobody knows."""
    if isinstance(value, dict) and value and rng.random() < 0.92:
        name = rng.choice(list(value))
        choice = rng.random()
        if choice < 0.08:
            return {key: member for key, member in value.items() if key != name}
        if choice < 0.14:
            return {**value, rng.choice(("novelty", "from_", "\ud800", "id", "type")): rng.choice(_ODD)(rng)}
        return {**value, name: _replaced(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.92:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return [*value, value[at]]
        return [*value[:at], _replaced(value[at], rng), *value[at + 1 :]]
    return rng.choice(_ODD)(rng)


def check(body: str) -> Counter[str]:
    """Parse one input and ask everything of its items. Raises FindingError; answers what it met."""
    try:
        envelope = parse(body)
    except Poison as poison:
        orjson.dumps([poison.reason, poison.detail])
        return Counter({f"poison:{poison.reason}": 1})
    met: Counter[str] = Counter()
    found = items(envelope)
    for position, item in enumerate(found):
        if item.position != position:
            raise FindingError(f"position {item.position} at {position}")
        _ask(item, envelope.entries)
        met[item.kind] += 1
    return met


def _ask(item: AnyItem, entries: tuple[Any, ...]) -> None:
    orjson.dumps([item.path, item.untyped()])
    if isinstance(item, UnknownItem):
        orjson.dumps(item.raw)
    if isinstance(item, MetaItem):
        orjson.dumps(item.value())
        identity.aliases(item.people(), "P")
        if item.member and dump(item.part) != _at(item.path, entries):
            raise FindingError(f"{item.path} is kept otherwise than it came")
    if isinstance(item, MessageItem):
        orjson.dumps(content.of(item.message, seconds=12).preview)
        identity.change_of(item.message)
    if isinstance(item, StatusItem):
        statuses.supersedes(item.status.status, "sent")
        errors.worst(item.status.errors or ())


def _at(path: str, entries: tuple[Any, ...]) -> Any:
    current: Any = {"entry": list(entries)}
    for name, index in _STEP.findall(path):
        current = current[name] if name else current[int(index)]
    return current


def check_outgoing(seed: int, number: int) -> Counter[str]:
    """A damaged outgoing message: refused by name or written as a blob within Meta's limits."""
    rng = random.Random(f"out:{seed}:{number}")  # noqa: S311 - reproducible damage, no secret
    value = _replaced(rng.choice(_OUTGOING), rng)
    try:
        blob = outgoing.to_blob(outgoing.parse(value), "o_x.1", to="5215500000001")
    except Poison as poison:
        return Counter({f"out:{poison.reason}": 1})
    orjson.loads(blob)
    return Counter({"out:sent": 1})


def run(
    count: int, seed: int, first: int = 0, checker: Callable[[str], Counter[str]] = check
) -> Iterator[Counter[str]]:
    """Check inputs first..first+count-1 of a seed, each tenth with an outgoing message beside it."""
    bodies = corpus()
    for number in range(first, first + count):
        body = make(seed, number, bodies)
        try:
            met = checker(body)
            if number % 10 == 0:
                met += check_outgoing(seed, number)
        except Exception as error:
            raise FindingError(f"seed {seed} input {number}: {error!r}\n{body[:2000]!r}") from error
        yield met


def main() -> int:
    """Command line; exit 1 on a finding."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--count", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--first", type=int, default=0)
    given = arguments.parse_args()
    total: Counter[str] = Counter()
    started = time.monotonic()
    try:
        for number, met in enumerate(run(given.count, given.seed, given.first), 1):
            total += met
            if number % 100_000 == 0:
                sys.stdout.write(f"{number} of {given.count} in {time.monotonic() - started:.0f} s\n")
                sys.stdout.flush()
    except FindingError as finding:
        sys.stdout.write(f"fuzz: FINDING {finding}\n")
        return 1
    for what, times in sorted(total.items()):
        sys.stdout.write(f"  {what:28} {times}\n")
    sys.stdout.write(f"fuzz: {given.count} inputs, seed {given.seed}, 0 findings\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
