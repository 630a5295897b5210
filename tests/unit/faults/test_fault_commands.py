"""What the fault commands conclude: a run in which something never happened is void, whatever the audit says."""

import random
from collections import Counter
from typing import Any

import pytest

from tests.faults import chaos_record, erasure_proof
from tests.faults.chaos_load import LONG_MS, MEDIA_EVERY, SHORT_MS, Load
from tests.faults.crash_calls import _path
from tests.faults.crashpoints import Cell, part_of
from tests.faults.erasure_past import Past
from tests.faults.erasure_person import addresses, chosen, told_apart
from tests.faults.newsroom_audit import Audit

CLEAN = Audit("audit: 1 written, 0 lost", 0, frozenset(), ())
RESTLESS = Audit("audit: 1 written, 0 lost", 1, frozenset(), ("queue media: 1",))


def everything() -> Counter[str]:
    return Counter(dict.fromkeys(chaos_record.KINDS, 1))


def test_everything_wrong_and_nothing_lost_passes() -> None:
    outcome = chaos_record.Outcome(everything(), audit=CLEAN)
    assert outcome.passed
    assert outcome.verdict() == f"chaos-record: ok, {CLEAN.line}"


@pytest.mark.parametrize("kind", chaos_record.KINDS)
def test_a_kind_of_trouble_that_never_happened_makes_the_run_void(kind: str) -> None:
    outcome = chaos_record.Outcome(everything() - Counter({kind: 1}), audit=CLEAN)
    assert not outcome.passed
    assert f"VOID (never: {kind})" in outcome.verdict()


@pytest.mark.parametrize("audit", [None, RESTLESS])
def test_without_a_clean_audit_nothing_passes(audit: Audit | None) -> None:
    assert not chaos_record.Outcome(everything(), audit=audit).passed
    assert not chaos_record.Outcome(everything(), ["media not caught at work"], audit=CLEAN).passed


def test_what_never_came_to_rest_is_said() -> None:
    assert "not at rest: queue media: 1" in RESTLESS.told()


def test_the_pieces_of_the_matrix_are_the_matrix() -> None:
    cells = [Cell("media", "image", call, fault) for call in "abcde" for fault in ("killed before", "5xx")]
    parts = [part_of(cells, f"{n}/3") for n in (1, 2, 3)]
    assert sorted((c.call, c.fault) for part in parts for c in part) == sorted(
        (c.call, c.fault) for c in cells
    )
    assert part_of(cells, "1/1") == cells
    with pytest.raises(ValueError, match="--part 4/3"):
        part_of(cells, "4/3")


def test_calls_of_two_files_have_one_name() -> None:
    one, other = (
        "/local-media-0/served/" + sha[:2] + "/" + sha + "/original" for sha in ("ab" * 32, "cd" * 32)
    )
    assert _path(one) == _path(other) == "/media-0/served/~/original"


class Room:
    """Counts what is written while delays are in force."""

    def __init__(self) -> None:
        self.people = ["1", "2", "3"]
        self.tokens: dict[str, str] = {}
        self.late_ms = 0
        self.wrote: list[tuple[int, str]] = []
        self.replies = 0

    async def twin(self, path: str, **fault: Any) -> None:
        assert path == "faults"
        if fault["kind"] == "delay":
            self.late_ms = fault.get("max_ms", 0) if fault["rate"] else 0

    async def write(self, person: str, **what: Any) -> str:
        self.wrote.append((self.late_ms, what["type"]))
        return f"wamid.{len(self.wrote)}.{person}"

    async def reply_at(self, rate: float, count: int) -> None:
        del rate
        self.replies += count


async def test_the_load_has_the_shares_that_are_promised() -> None:
    room: Any = Room()
    load = Load(room, 2000, 1e9, random.Random(5), lambda: None)  # noqa: S311 - reproducible
    await load.run()
    assert load.over.is_set()
    late = Counter(ms for ms, _ in room.wrote)
    assert (
        late[SHORT_MS] == load.counts["delayed up to 400 ms"] >= 95
    )  # 5 % of 2,000, less those that are later still
    assert late[LONG_MS] == load.counts["delayed up to 60 s"] == 20
    assert any(ms == LONG_MS and kind == "text" for ms, kind in room.wrote)
    assert any(ms == SHORT_MS and kind == "image" for ms, kind in room.wrote)
    assert load.counts["files"] == 2000 // MEDIA_EVERY
    assert room.replies == 200
    assert room.late_ms == 0


def receipt(**erased: int) -> dict[str, Any]:
    counts = dict.fromkeys(erasure_proof._EMPTIED, 1) | erased
    return {"places": [{"place": place, "erased": count} for place, count in counts.items()]}


def proof(**erased: int) -> erasure_proof.Outcome:
    searched = Counter(dict.fromkeys(erasure_proof._LOOKED, 1))
    return erasure_proof.Outcome(receipt(**erased), searched, needles=3)


def test_a_place_with_nothing_to_erase_shows_nothing() -> None:
    assert proof().passed
    outcome = proof(cdn=0)
    assert not outcome.passed
    assert "VOID: nothing to erase in cdn" in outcome.verdict()
    found = proof()
    found.found.append("1 x nonce in table messages")
    assert not found.passed


def test_the_person_is_who_wrote_most_with_a_number_and_a_file_of_their_own() -> None:
    people = [str(10**9 + n) for n in range(6)]

    def row(number: str, nonce: str, *files: str) -> dict[str, Any]:
        ids = {"user_id": f"MX.{number}", "wamid": f"wamid.{nonce}"}
        return {"kind": "written", "wa_id": number, "nonce": nonce, "media_sha256": files, **ids}

    rows = [row(people[4], f"nonce-000{n}", "f4") for n in range(5)]  # who hides the number
    rows += [row(people[0], f"nonce-010{n}", "shared") for n in range(4)]
    rows += [row(people[1], f"nonce-020{n}", "shared", "own") for n in range(3)]
    assert chosen(rows, people) == people[1]
    about = [{"wa_id": each, "name": f"Vecina {each}", "username": ""} for each in people]
    person = told_apart(people[1], rows, about, Past(None, (), ("abcdefghijkl",), "photo"))  # type: ignore[arg-type] # no file is read
    assert person.files == {"own", "photo"}
    assert person.needles["nonce"] == {"nonce-0200", "nonce-0201", "nonce-0202"}
    assert person.needles["imported"] == {"abcdefghijkl"}


def test_every_address_of_an_answer_is_found() -> None:
    shown = {"messages": [{"media": [{"url": "a", "renditions": [{"url": "b"}, {"url": None}]}]}]}
    assert list(addresses(shown)) == ["a", "b"]
