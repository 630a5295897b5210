"""`make leak-check`: after a run, nobody's number, name, words' nonce, wamid, token or secret stands anywhere.

A newsroom's morning with every service at log level debug, broken envelopes and broken requests in it; then each
needle of the twin's history and of the run's secrets is looked for in each place that is not sealed.
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from rich.console import Console
from rich.table import Table

from tests.faults import newsroom_run
from tests.faults.leak_needles import Needles, gather
from tests.faults.leak_places import Place, Tap, places
from tests.faults.newsroom import Newsroom
from tests.faults.newsroom_audit import Audit
from tests.faults.sabotage import Scene
from tests.faults.sabotage_proxy import Proxy

DEBUG = {"CDMX_LOG_LEVEL": "debug"}
# A place that stays empty proves nothing; these must not.
_NEEDED = (
    "log of",
    "spans of ingest",
    "metrics of",
    "desk events",
    "dead-letter",
    "ids in",
    "biz_",
    "deliveries",
)
_KINDS_NEEDED = 8
_RATE = 5.0
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What was searched and what was found."""

    needles: Needles
    places: list[Place]
    leaks: list[tuple[str, str, str]] = field(default_factory=list)
    audit: Audit | None = None

    @property
    def empty(self) -> list[str]:
        """What should have been there to be searched, or to be searched for."""
        bare = [p.name for p in self.places if p.name.startswith(_NEEDED) and not p.count]
        return bare + [kind for kind, texts in self.needles.items() if not texts]

    @property
    def passed(self) -> bool:
        """Whether there was enough to search, and nothing was found."""
        return not self.leaks and not self.empty and len(self.needles) == _KINDS_NEEDED

    def verdict(self) -> str:
        """The last line."""
        needles = sum(map(len, self.needles.values()))
        size = sum(len(place.content) for place in self.places)
        empty = f", VOID: nothing in {', '.join(self.empty)}" if self.empty else ""
        return (
            f"leak-check: {'ok' if self.passed else 'FAILED'}, {len(self.leaks)} leaks; {needles} needles of "
            f"{len(self.needles)} kinds in {len(self.places)} places, {size / 1e6:.1f} MB{empty}"
        )


async def checked(room: Newsroom, say: Say, *, messages: int, plant: bool) -> Outcome:
    """A morning, bad input, rest, search."""
    async with Proxy(room.http, room.system.urls["desk"]) as proxy:
        scene = Scene(room, proxy)
        tap = Tap(scene)
        await room.trouble()
        await room.morning(messages, messages // 4, _RATE)
        await room.calm()
        await _bad_envelopes(room, scene)
        await _bad_requests(room)
        audit = await room.audit(120)
        say(f"run over: {dict(room.told())}; {audit.line}")
        needles = await gather(room)
        if plant:
            with room.system.log("ingest").open("ab") as log:
                log.write(b'{"event": "planted", "seen": "' + min(needles["wamid"]) + b'"}\n')
        outcome = Outcome(needles, await places(room, scene, tap), audit=audit)
    outcome.leaks = [found for place in outcome.places for found in _searched(place, needles)]
    return outcome


def _searched(place: Place, needles: Needles) -> list[tuple[str, str, str]]:
    """(kind, place, hash of the needle) of each that stands there; the needle itself is not told on."""
    return [
        (kind, place.name, hashlib.sha256(needle).hexdigest()[:12])
        for kind in sorted(place.forbidden)
        for needle in sorted(needles[kind])
        if needle in place.content
    ]


async def _bad_envelopes(room: Newsroom, scene: Scene) -> None:
    """Envelopes with people in them that ingest cannot read, or must not take."""
    rows = await room.history()
    told = (r["body"] for r in rows if r["kind"] == "published" and r["direction"] == "in" and r["body"])
    whole = next(body for body in told if "whatsAppWebhookEntry" in body)  # not the witness's
    parsed = json.loads(whole)
    inner = parsed["whatsAppWebhookEntry"]
    broken = (
        whole[: len(whole) // 2],
        json.dumps(parsed | {"whatsAppWebhookEntry": inner[: len(inner) // 2]}),
        json.dumps(parsed | {"whatsAppWebhookEntry": inner.replace('"id":"', '"id":"9', 1)}),
        json.dumps(parsed | {"whatsAppWebhookEntry": json.dumps({"id": 7, "changes": inner})}),
        inner,
    )
    topic = scene.sns.create_topic(Name=f"{scene.prefix}whatsapp-events")["TopicArn"]
    for body in broken:
        scene.sns.publish(TopicArn=topic, Message=body)


async def _bad_requests(room: Newsroom) -> None:
    """Requests with people in them that the APIs refuse, each answered with a 4xx or an empty result."""
    wamid, person = next(iter(room.said.items()))
    desk, search, agent = room.system.urls["desk"], room.system.urls["search"], room.bearer("agent")
    asked = (
        ("GET", f"{desk}/v1/messages/{wamid}", agent, None),
        ("GET", f"{desk}/v1/conversations/{person}/messages", agent, None),
        ("GET", f"{desk}/v1/conversations?cursor={wamid}", agent, None),
        (
            "POST",
            f"{desk}/v1/conversations/{person}/messages",
            agent,
            {"type": "text", "text": wamid, "to": person},
        ),
        ("GET", f"{desk}/v1/me", {"Authorization": agent["Authorization"] + "x"}, None),
        ("GET", f"{search}/v1/search?q={person}", agent, None),
        ("GET", f"{search}/v1/search?q=tipo:{wamid}&cursor={person}", agent, None),
    )
    for method, url, headers, body in asked:
        async with room.http.request(method, url, headers=headers, json=body) as answer:
            await answer.read()
            if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                raise RuntimeError(f"{method}: answered {answer.status} to a bad request")


def _table(outcome: Outcome) -> Table:
    table = Table("place", "searched", "bytes", "leaks")
    for place in outcome.places:
        found = [leak for leak in outcome.leaks if leak[1] == place.name]
        table.add_row(place.name, str(place.count), str(len(place.content)), _told(found))
    return table


def _told(leaks: list[tuple[str, str, str]]) -> str:
    kinds = sorted({kind for kind, _, _ in leaks})
    return ", ".join(f"[red]{sum(leak[0] == kind for leak in leaks)} {kind}[/]" for kind in kinds) or "0"


async def main(seed: int, messages: int, *, plant: bool) -> int:
    """Exit 0 when nothing leaked."""
    say = newsroom_run.Steps()
    async with newsroom_run.opened(seed, extra=DEBUG) as room:
        outcome = await checked(room, say, messages=messages, plant=plant)
        counts = ", ".join(f"{count} {name}" for name, count in room.told())
    Console(width=140).print(_table(outcome))
    print(f"seed {seed}, commit {newsroom_run.commit()}; {counts}")
    print(", ".join(f"{len(texts)} forms of {kind}" for kind, texts in outcome.needles.items()))
    print(outcome.verdict())
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    options = newsroom_run.parser("leak_check", __doc__, "a wamid is written into a log: must fail")
    options.add_argument("--messages", type=int, default=160)
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.seed, given.messages, plant=given.plant)))
