"""The self-test of the simulation: what is planted is taken out again, what is clumsy or nothing is not found."""

import importlib
from contextlib import suppress
from typing import Any

import pytest

from shared.record import states
from sim.bugs import BUGS, NOTHING, Bug
from sim.bugs.plant import planted
from sim.selftest import Hunt, hunt, main, verdict

ADVANCE = "shared.record.states:advance"


def _bug(maker: Any, target: str = ADVANCE) -> Bug:
    return Bug("b", "w", ((target, maker),))


def test_there_are_enough_bugs_with_names_of_their_own() -> None:
    assert len(BUGS) >= 90
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_replaces_each_of_its_targets_and_puts_them_back(bug: Bug) -> None:
    sound = [_at(target) for target, _ in bug.parts]
    with planted(bug):
        assert all(_at(target) is not was for (target, _), was in zip(bug.parts, sound, strict=True))
    assert [_at(target) for target, _ in bug.parts] == sound


def _at(target: str) -> Any:
    module, _, path = target.partition(":")
    found: Any = importlib.import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def test_a_bug_is_in_the_product_while_planted_and_out_after_an_error() -> None:
    sound = states.advance
    bug = _bug(lambda _sound: lambda _now, reported: reported)
    with suppress(RuntimeError), planted(bug) as done:
        assert states.advance("read", "sent") == "sent"
        raise RuntimeError
    assert states.advance is sound
    assert done.calls == 1


def test_a_target_that_no_longer_exists_is_an_error() -> None:
    with pytest.raises(AttributeError), planted(_bug(lambda sound: sound, "shared.record.states:gone")):
        pass


def test_an_error_of_the_product_is_not_the_bugs_own() -> None:
    def raises(_sound: Any) -> Any:
        return lambda now, _reported: dict[str, str]()[now]

    with pytest.raises(KeyError), planted(_bug(raises)) as done:
        states.advance("read", "sent")
    assert not done.clumsy, "its lines lie outside sim/bugs"


def test_nothing_is_not_found() -> None:
    found = hunt(NOTHING, 0, 1)
    assert not found.found
    assert found.worlds == 1


def test_a_bug_that_loses_what_was_written_is_found() -> None:
    found = hunt(next(bug for bug in BUGS if bug.name == "failure-to-keep-swallowed"), 0, 5)
    assert found.found
    assert found.named


def test_what_broke_by_the_planting_does_not_count() -> None:
    assert not Hunt("b", "w", 0, "lost", 1, 1, clumsy="TypeError: x").found


def test_the_verdict_names_what_was_missed() -> None:
    hunts = [Hunt("a", "w", 3, "(2) lost", 4, 9), Hunt("b", "w", None, "", 5, 0)]
    line = verdict(hunts, 0)
    assert line.startswith("sim-selftest: 1 of 2 bugs found, commit ")
    assert line.endswith("seeds from 0, 9 worlds; not found: b")


def test_an_unknown_name_is_refused_with_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["selftest", "--bugs", "no-such"])
    with pytest.raises(SystemExit, match="no-such; choose of event-skipped-on-redelivery"):
        main()
