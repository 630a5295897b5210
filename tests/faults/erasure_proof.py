"""`make erasure-proof`: a person is erased from a running system, and nothing of them is left anywhere.

A newsroom's morning with duplicates, redeliveries and several people in one envelope. Then one of them is erased
by `cdmx erase`; every store is read raw and every API is asked for each of their nonces, numbers, names and
files, and everybody else's must still be there. Then the tables and the index are put back as a backup had them,
the ledger is replayed and the archive too, and everything is looked for again.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from local.paths import ROOT
from shared import topology
from tests.faults import newsroom_run
from tests.faults.newsroom import PLACES, Newsroom
from tests.faults.sabotage import Scene
from tests.faults.sabotage_proxy import Proxy

_RATE = 5.0
_LIMIT_S = 600.0
_LEAST = 8  # characters: what is shorter stands in many places by chance
_SEEN_S = 3.0  # the index shows what it was told at most this much later
# What a backup brings back; the raw archive has no versions, so nothing of it can come back.
_RESTORED = ("contacts", "contact_keys", "aliases", "messages", "conversations", "media", "policy", "ids")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Person:
    """What is looked for.

    Attributes:
        number: as WhatsApp knows them. needles: kind -> texts. files: hashes of files only they sent.
    """

    number: str
    needles: dict[str, frozenset[str]]
    files: frozenset[str]


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
        enough = self.needles > 0 and all(self.searched[name] for name in ("tables", "objects", "documents"))
        return enough and bool(self.receipt) and not self.found and not self.lost

    def verdict(self) -> str:
        """The last line."""
        looked = ", ".join(f"{count} {name}" for name, count in sorted(self.searched.items()))
        word = "ok" if self.passed else "FAILED"
        return (
            f"erasure-proof: {word}, {len(self.found)} found of {self.needles} needles, {len(self.lost)} of others "
            f"lost; looked through {looked}"
        )


class Proof:
    """One run on one system."""

    def __init__(self, room: Newsroom, scene: Scene, say: Say) -> None:
        self._room = room
        self._scene = scene
        self._say = say
        self.outcome = Outcome()

    async def run(self, *, messages: int, plant: bool) -> None:
        """A morning, an erasure, a look; a restore, a replay, another look."""
        await self._morning(messages)
        rows = await self._room.history()
        person = await self._chosen(rows)
        self.outcome.needles = sum(map(len, person.needles.values())) + len(person.files)
        others = await self._others(rows, person)
        backup = {table: list(self._items(table)) for table in _RESTORED}
        documents = await self._documents()
        envelope = self._envelope_of(person)
        erased = await self._cdmx("erase", f"+{person.number}", "--ref", "PRUEBA/1", "--wait", "--json")
        self.outcome.receipt = json.loads(erased)
        self._say(f"erased: {self._counts()}")
        if plant:
            self._scene.put_object("raw", envelope[0], envelope[1])
            self._say("planted: one archived envelope is put back")
        await self._look("after the erasure", person, others)
        if plant:
            return
        await self._restore(backup, documents)
        self._say(
            f"restored {sum(map(len, backup.values()))} items and {len(documents)} documents from before"
        )
        self._say((await self._cdmx("erase", "--replay")).strip())
        await self._cdmx("erase", "--status", self.outcome.receipt["erasure_id"], "--wait", "--json")
        self._say((await self._cdmx("replay")).strip())
        await self._look("after a restore and a replay", person, others)

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

    async def _chosen(self, rows: list[dict[str, Any]]) -> Person:
        """Whoever wrote most, of those who show their number."""
        people = {each["wa_id"]: each for each in await self._room.customers()}
        shown = [
            number for n, number in enumerate(self._room.people) if n % 5 != 4
        ]  # as Newsroom hides the others
        wrote = Counter(row["wa_id"] for row in rows if row["kind"] == "written" and row["wa_id"] in shown)
        number = wrote.most_common(1)[0][0]
        mine = [row for row in rows if row["wa_id"] == number]
        files = {sha for row in mine for sha in row["media_sha256"]}
        theirs = {sha for row in rows if row["wa_id"] != number for sha in row["media_sha256"]}
        about = people[number]
        needles = {
            "nonce": _long(row["nonce"] for row in mine),
            "number": _long([number[-10:]]),
            "name": _long([about["name"], about["username"]]),
            "user id": _long(row["user_id"] for row in mine),
            "wamid": _long(row["wamid"] for row in mine),
        }
        return Person(
            number, {kind: found for kind, found in needles.items() if found}, frozenset(files - theirs)
        )

    async def _others(self, rows: list[dict[str, Any]], person: Person) -> frozenset[str]:
        """Nonces of everybody else's messages that an agent sees now: they must be seen afterwards too."""
        nonces = _long(r["nonce"] for r in rows if r["kind"] == "written" and r["wa_id"] != person.number)
        seen = await self._shown()
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
        places = await self._places()
        for name, content in places.items():
            for kind, texts in person.needles.items():
                hits = sum(text.encode() in content for text in texts)
                if hits:
                    self.outcome.found.append(f"{when}: {hits} x {kind} in {name}")
            left = sum(sha.encode() in content for sha in person.files)
            if left:
                self.outcome.found.append(f"{when}: {left} x file in {name}")
        await self._asked(when, person)
        self._keys(when, person)
        seen = places["the desk's API"].decode()
        self.outcome.lost += [f"{when}: {nonce}" for nonce in sorted(others) if nonce not in seen]
        found, lost = len(self.outcome.found), len(self.outcome.lost)
        self._say(f"{when}: looked through {len(places)} places; {found} found, {lost} of others lost")

    async def _places(self) -> dict[str, bytes]:
        """Every store, raw, and every thread as an agent sees it."""
        found: dict[str, bytes] = {}
        for spec in topology.TABLES:
            items = list(self._items(spec.name))
            self.outcome.searched["tables"] += 1
            found[f"table {spec.name}"] = repr(items).encode()
        for bucket in topology.BUCKETS:
            keys = self._scene.keys(bucket, "")
            self.outcome.searched["objects"] += len(keys)
            bodies = [self._scene.object(bucket, key) for key in keys]
            found[f"bucket {bucket}"] = b"\n".join([*(key.encode() for key in keys), *bodies])
        for spec_ in topology.QUEUES:
            for name in (spec_.name, spec_.dlq):
                found[f"queue {name}"] = "\n".join(self._bodies(name)).encode()
        documents = await self._documents()
        self.outcome.searched["documents"] += len(documents)
        found["the index"] = json.dumps(documents, ensure_ascii=False).encode()
        found["the desk's API"] = (await self._shown()).encode()
        return found

    def _items(self, table: str) -> Iterator[dict[str, Any]]:
        name = f"{self._scene.prefix}{table}"
        for page in self._scene.dynamodb.get_paginator("scan").paginate(TableName=name, ConsistentRead=True):
            yield from page["Items"]

    def _bodies(self, queue: str) -> Iterator[str]:
        url = self._scene.queue(queue)
        while True:
            answer = self._scene.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=3
            )
            if not answer.get("Messages"):
                return
            for each in answer["Messages"]:
                self.outcome.searched["queued"] += 1
                yield each["Body"]

    async def _documents(self) -> list[dict[str, Any]]:
        await asyncio.sleep(_SEEN_S)
        found: list[dict[str, Any]] = []
        for alias in (topology.SEARCH_ALIAS, topology.SEARCH_CONVERSATIONS):
            url = f"{self._room.system.urls['opensearch']}/{self._scene.prefix}{alias}/_search"
            asked = {"size": 10_000, "version": True, "query": {"match_all": {}}}
            async with self._room.http.post(url, json=asked) as answer:
                answer.raise_for_status()
                found += (await answer.json())["hits"]["hits"]
        return found

    async def _shown(self) -> str:
        """Every thread that the inbox lists, as an admin sees it."""
        threads = []
        for conversation_id in await self._room.conversations():
            path = f"/v1/conversations/{conversation_id}/messages?limit=200"
            threads.append(await self._room.get(path))
        return json.dumps(threads, ensure_ascii=False)

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

    def _keys(self, when: str, person: Person) -> None:
        """No key of the person's can be unwrapped, and nothing sealed under one is left."""
        del person
        erased = {i["pk"]["S"] for i in self._items("contacts") if i.get("erased", {}).get("BOOL")}
        if not erased:
            self.outcome.found.append(f"{when}: no contact is marked erased")
        for item in self._items("contact_keys"):
            if item["pk"]["S"] in erased and "wrapped" in item:
                self.outcome.found.append(f"{when}: a data key")
        for table in ("messages", "contacts", "policy"):
            for item in self._items(table):
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


def _long(texts: Any) -> frozenset[str]:
    return frozenset(text for text in texts if text and len(text) >= _LEAST)


async def main(seed: int, messages: int, *, plant: bool) -> int:
    """Exit 0 when nothing of the person was found and everything of the others."""
    say = newsroom_run.Steps()
    async with newsroom_run.opened(seed) as room, Proxy(room.http, room.system.urls["desk"]) as proxy:
        proof = Proof(room, Scene(room, proxy), say)
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
