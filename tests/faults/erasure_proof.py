"""`make erasure-proof`: a person is erased from a running system, and nothing of them is left anywhere.

A newsroom's morning with duplicates, redeliveries and several people in one envelope; an exported chat of one of
them is imported, an event of theirs is parked, and the CDN has handed out every file. Then they are erased by
`cdmx erase`; every store is read raw and every API is asked for each of their nonces, numbers, names and files, and
everybody else's must still be there. Then the tables and the index are put back as a backup had them, the ledger is
replayed, the archive too and the chat is imported once more, and everything is looked for again.
"""

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.paths import ROOT
from local.ports import DEFAULTS
from local.process import free_port
from tests.faults import newsroom_run
from tests.faults.erasure_edge import Edge
from tests.faults.erasure_past import Past, exported
from tests.faults.erasure_person import Person, addresses, chosen, distinct, told_apart
from tests.faults.erasure_places import API, Places
from tests.faults.newsroom import PLACES, Newsroom
from tests.faults.sabotage import Scene
from tests.faults.sabotage_proxy import Proxy

_RATE = 5.0
_LIMIT_S = 600.0
_READY_S = 120.0
_LOOKED = ("tables", "objects", "documents", "cached", "searches", "addresses")  # none may be 0
# Places of the receipt that had something; the index not among them, for the indexer may be faster.
_EMPTIED = ("contact_keys", "messages", "media", "cdn", "raw", "dlq", "imports", "desk_log")
# What a backup brings back; the raw archive has no versions, so nothing of it can come back.
_RESTORED = ("contacts", "contact_keys", "aliases", "messages", "conversations", "media", "policy", "ids")
Say = Callable[[str], None]


@dataclass
class Outcome:
    """What was looked for where, and what was found."""

    receipt: dict[str, Any] = field(default_factory=dict)
    searched: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    needles: int = 0

    @property
    def passed(self) -> bool:
        """Whether there was something to look for, a receipt, and nothing was found or lost."""
        return self.needles > 0 and not self.unproven() and not self.found and not self.lost

    def unproven(self) -> list[str]:
        """Places whose eraser had nothing to do, and kinds of which nothing was looked through."""
        counts = {each["place"]: each["erased"] for each in self.receipt.get("places", ())}
        idle = [f"nothing to erase in {place}" for place in _EMPTIED if not counts.get(place)]
        return idle + [f"no {kind}" for kind in _LOOKED if not self.searched[kind]]

    def verdict(self) -> str:
        """The last line."""
        looked = ", ".join(f"{count} {name}" for name, count in sorted(self.searched.items()))
        word = "ok" if self.passed else "FAILED"
        void = f", VOID: {', '.join(self.unproven())}" if self.unproven() else ""
        return (
            f"erasure-proof: {word}, {len(self.found)} found of {self.needles} needles, {len(self.lost)} of others "
            f"lost{void}; looked through {looked}"
        )


class Proof:
    """One run on one system."""

    def __init__(self, room: Newsroom, scene: Scene, edge: Edge, folder: Path, say: Say) -> None:
        self._room = room
        self._scene = scene
        self._edge = edge
        self._folder = folder
        self._say = say
        self._places = Places(room, scene, edge)
        self.outcome = Outcome(searched=self._places.searched)

    async def run(self, *, messages: int, plant: bool) -> None:
        """A morning, an erasure, a look; a restore, a replay, another look."""
        await self._morning(messages)
        rows = await self._room.history()
        number = chosen(rows, self._room.people)
        past = await self._imported(number)
        person = told_apart(number, rows, await self._room.customers(), past)
        self.outcome.needles = sum(map(len, person.needles.values())) + len(person.files)
        others = await self._others(rows, person)
        theirs = await self._handed_out(person)
        self._parked(person)
        backup = {table: list(self._places.items(table)) for table in _RESTORED}
        documents = await self._places.documents()
        envelope = self._envelope_of(person)
        erased = await self._cdmx("erase", f"+{person.number}", "--ref", "PRUEBA/1", "--wait", "--json")
        self.outcome.receipt = json.loads(erased)
        self._say(f"erased: {self._counts()}")
        if plant:
            self._scene.put_object("raw", envelope[0], envelope[1])
            self._say("planted: one archived envelope is put back")
        await self._look("after the erasure", person, others)
        await self._still(theirs)
        if plant:
            return
        await self._restore(backup, documents)
        self._say(
            f"restored {sum(map(len, backup.values()))} items and {len(documents)} documents from before"
        )
        self._say((await self._cdmx("erase", "--replay")).strip())
        await self._cdmx("erase", "--status", self.outcome.receipt["erasure_id"], "--wait", "--json")
        self._say((await self._cdmx("replay")).strip())
        self._say(f"imported once more: {json.loads(await self._cdmx(*past.words))['outcomes']}")
        await self._look("after a restore, a replay and an import", person, others)

    # --- before

    async def _morning(self, messages: int) -> None:
        room = self._room
        await room.trouble()
        await room.morning(messages, messages // 3, _RATE)
        await room.calm()
        audit = await room.audit(180)
        if audit.under_way:
            raise RuntimeError(f"the morning did not come to rest: {', '.join(audit.under_way)}")
        self._say(f"morning over: {dict(room.told())}; {audit.line}")

    async def _imported(self, number: str) -> Past:
        """Their chat of long ago, by `cdmx import`, with its photo checked and ready."""
        chance = random.Random(int(number))  # noqa: S311 - a made-up chat
        past = exported(self._folder, number, chance)
        said = json.loads(await self._cdmx(*past.words))
        async with asyncio.timeout(_READY_S):
            await self._checked(past)
        self._say(f"imported: {said['outcomes']}")
        return past

    async def _checked(self, past: Past) -> None:
        while True:
            if past.sha256 in json.dumps(await self._places.threads()):
                return
            await asyncio.sleep(1)

    async def _handed_out(self, person: Person) -> list[str]:
        """Fetch every file through the CDN, so that it keeps a copy; the addresses of the person's."""
        shown = {each for each in addresses(await self._places.threads()) if each.startswith(self._edge.url)}
        for address in sorted(shown):
            async with self._room.http.get(address) as answer:
                answer.raise_for_status()
        theirs = [each for each in sorted(shown) if any(sha in each for sha in person.files)]
        self._say(
            f"{len(shown)} files and renditions fetched through the CDN, {len(theirs)} of them the person's"
        )
        if not theirs:
            raise RuntimeError("void: the CDN never handed out a file of the person's")
        return theirs

    async def _still(self, addresses: list[str]) -> None:
        """Whether a signed address from before still finds a file."""
        for address in addresses:
            self.outcome.searched["addresses"] += 1
            async with self._room.http.get(address) as answer:
                if answer.ok:
                    self.outcome.found.append("after the erasure: a signed address still finds a file")

    def _parked(self, person: Person) -> None:
        """An event that tells of a file of theirs lies in a dead-letter queue."""
        for item in self._places.items("desk_log"):
            body = item.get("event", {}).get("S", "")
            if any(sha in body for sha in person.files):
                self._scene.sqs.send_message(QueueUrl=self._scene.queue("search-dlq"), MessageBody=body)
                return
        raise RuntimeError("void: the live log tells of no file of the person's")

    async def _others(self, rows: list[dict[str, Any]], person: Person) -> frozenset[str]:
        """Nonces of everybody else's messages that an agent sees now: they must be seen afterwards too."""
        nonces = distinct(r["nonce"] for r in rows if r["kind"] == "written" and r["wa_id"] != person.number)
        seen = json.dumps(await self._places.threads(), ensure_ascii=False)
        return frozenset(nonce for nonce in nonces if nonce in seen)

    def _envelope_of(self, person: Person) -> tuple[str, bytes]:
        """An archived envelope with the person in it."""
        for key in self._scene.keys("raw", "raw/eum/"):
            body = self._scene.object("raw", key)
            if any(nonce.encode() in body for nonce in person.needles["nonce"]):
                return key, body
        raise RuntimeError("no archived envelope holds anything of the person")

    # --- looking

    async def _look(self, when: str, person: Person, others: frozenset[str]) -> None:
        places = await self._places.read()
        for name, content in places.items():
            for kind, texts in (*person.needles.items(), ("file", person.files)):
                hits = [text for text in sorted(texts) if text.encode() in content]
                if hits:
                    told = f"{when}: {len(hits)} x {kind} in {name}"
                    self.outcome.found.append(told + self._places.attributes(name, hits))
        await self._asked(when, person)
        self._keys(when)
        self.outcome.found += [
            f"{when}: no eraser answers for {each}" for each in sorted(self._places.strange)
        ]
        seen = places[API].decode()
        self.outcome.lost += [f"{when}: {nonce}" for nonce in sorted(others) if nonce not in seen]
        found, lost = len(self.outcome.found), len(self.outcome.lost)
        self._say(f"{when}: looked through {len(places)} places; {found} found, {lost} of others lost")

    async def _asked(self, when: str, person: Person) -> None:
        """The search API, for each nonce, name and number."""
        for kind, texts in person.needles.items():
            for text in sorted(texts) if kind != "wamid" else ():
                self.outcome.searched["searches"] += 1
                url = f"{self._room.system.urls['search']}/v1/search"
                headers, query = self._room.bearer("admin"), {"q": text}
                async with self._room.http.get(url, headers=headers, params=query) as answer:
                    said = await answer.json()
                    if said.get("hits") or said.get("conversations"):
                        self.outcome.found.append(f"{when}: {kind} by the search API")

    def _keys(self, when: str) -> None:
        """No key of the person's can be unwrapped, and nothing sealed under one is left."""
        erased = {i["pk"]["S"] for i in self._places.items("contacts") if i.get("erased", {}).get("BOOL")}
        if not erased:
            self.outcome.found.append(f"{when}: no contact is marked erased")
        for item in self._places.items("contact_keys"):
            if item["pk"]["S"] in erased and "wrapped" in item:
                self.outcome.found.append(f"{when}: a data key")
        for table in ("messages", "contacts", "policy"):
            for item in self._places.items(table):
                owner = item.get("key_id", item["pk"])["S"]
                if owner in erased and {"sealed", "sealed_ref"} & item.keys():
                    self.outcome.found.append(f"{when}: a sealed item in {table}")

    # --- between

    async def _restore(
        self, backup: dict[str, list[dict[str, Any]]], documents: list[dict[str, Any]]
    ) -> None:
        """As after a restore of tables and index: what was deleted or cleaned since is back."""
        for table, items in backup.items():
            for item in items:
                self._scene.put_item(table, item)
        for each in documents:
            path = (
                f"{each['_index']}/_doc/{each['_id']}?version={each['_version'] + 1000}&version_type=external"
            )
            url = f"{self._room.system.urls['opensearch']}/{path}"
            async with self._room.http.put(url, json=each["_source"]) as answer:
                answer.raise_for_status()

    async def _cdmx(self, *words: str) -> str:
        """Run `cdmx`. Raises RuntimeError where it fails."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ops", *words),
            env=self._room.system.env,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), _LIMIT_S)
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if process.returncode:
            raise RuntimeError(f"cdmx {words[0]}: {err.decode()[-500:]}")
        return out.decode()

    def _counts(self) -> str:
        return ", ".join(f"{each['erased']} {each['place']}" for each in self.outcome.receipt["places"])


async def main(seed: int, messages: int, *, plant: bool) -> int:
    """Exit 0 when nothing of the person was found and everything of the others."""
    say, ports = newsroom_run.Steps(), {row: free_port() for row in DEFAULTS}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cdmx-past-")))
        edge = await stack.enter_async_context(Edge(f"http://127.0.0.1:{ports['twin']}"))
        room = await stack.enter_async_context(newsroom_run.opened(seed, extra=edge.env(), ports=ports))
        proxy = await stack.enter_async_context(Proxy(room.http, room.system.urls["desk"]))
        proof = Proof(room, Scene(room, proxy), edge, folder, say)
        await proof.run(messages=messages, plant=plant)
        counts = ", ".join(f"{count} {name}" for name, count in room.told())
    outcome = proof.outcome
    print(json.dumps(outcome.receipt, ensure_ascii=False, indent=2))
    for what in [*outcome.found, *outcome.lost][:12]:
        print(f"  {what}")
    print(f"seed {seed}, commit {newsroom_run.commit()}; {counts}; {len(PLACES)} destinations")
    print(outcome.verdict())
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    options = newsroom_run.parser("erasure_proof", __doc__, "an archived envelope is put back: must fail")
    options.add_argument("--messages", type=int, default=120)
    given = options.parse_args()
    sys.exit(asyncio.run(main(given.seed, given.messages, plant=given.plant)))
