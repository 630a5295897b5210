"""The matrix is read from the source: every call of a port is in it, once, under the function it stands in."""

import ast
from itertools import pairwise
from pathlib import Path

from sim import scope
from sim.campaign import plan
from sim.cells import Fault, sites
from sim.scenario import Size, play
from sim.scenes import ENABLING, WHOLE, Scene, drawn, enabling

SOURCE = """
class Part:
    async def kept(self) -> None:
        await self._store.get("t", "k")
        async for item in ports.store.scan("t"):
            await self._dlqs[item].send("b", {})
        names = [info.key async for info in self._bucket.list(
            "p",
        )]
        await self._other.get("t")
        await self._store.peek("t")

async def lone(whatsapp):
    return await whatsapp.send("p", b"")
"""


def test_awaits_loops_and_comprehensions_are_sites_and_foreign_names_are_not(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(SOURCE, encoding="utf-8")
    found = [(site.line, site.end, site.call, site.function) for site in sites(tmp_path, ["part.py"])]
    assert found == [
        (4, 4, "store.get", "kept"),
        (5, 5, "store.scan", "kept"),
        (6, 6, "dlqs.send", "kept"),
        (7, 9, "bucket.list", "kept"),
        (14, 14, "whatsapp.send", "lone"),
    ]


def test_two_sites_never_share_a_line() -> None:
    for listed in scope.by_file().values():
        for one, other in pairwise(sorted(listed, key=lambda site: site.line)):
            assert one.end < other.line, (one, other)


def test_what_is_outside_exists_and_has_a_reason() -> None:
    paths = [path for folder in ("services", "shared") for path in (scope.ROOT / folder).rglob("*.py")]
    for part, reason in scope.OUTSIDE.items():
        assert any(part in path.parts for path in paths), part
        assert reason
    names = [str(path.relative_to(scope.ROOT)) for path in paths]
    for prefix, reason in scope.NOT_YET.items():
        assert any(name.startswith(prefix) for name in names), prefix
        assert reason
    assert not any(name.startswith(tuple(scope.NOT_YET)) for name in scope.files())


def test_no_call_of_the_product_is_at_no_site() -> None:
    """A port under a name that the matrix does not know would be a side effect nobody disturbs."""
    for seed in (3, 4):
        outcome = play(seed, Size(), plan(seed), scope.by_file())
        unnamed = {name for name, _ in outcome.chaos.unnamed if "/sim/" not in name}
        assert unnamed == set()
        assert sum(outcome.chaos.reached.values()) > 1000


def test_each_enabling_scene_leads_to_a_function_that_has_a_site() -> None:
    functions = {(site.path, site.function) for listed in scope.by_file().values() for site in listed}
    assert ENABLING.keys() <= functions
    for path in WHOLE:
        assert any(name.startswith(path) for name, _ in functions), path


def test_a_wanted_site_brings_its_scenes() -> None:
    listed = scope.by_file()["services/forwarder/gateway/letter.py"]
    assert enabling(listed) == {Scene.PHOTO}
    assert enabling([]) == frozenset()


def test_the_scenes_of_a_seed_are_always_the_same_and_none_is_never_drawn() -> None:
    assert [drawn(seed) for seed in range(50)] == [drawn(seed) for seed in range(50)]
    seen = frozenset[Scene]().union(*(drawn(seed) for seed in range(1000)))
    assert seen == frozenset(Scene) - {Scene.CALM}


def test_a_thousand_seeds_want_every_cell_several_times() -> None:
    wanted: dict[tuple[str, int, Fault], int] = {}
    for seed in range(1000):
        for (path, line), fault in plan(seed).wanted.items():
            wanted[path, line, fault] = wanted.get((path, line, fault), 0) + 1
    assert len(wanted) == len(scope.cells())
    assert min(wanted.values()) >= 4


def test_the_source_of_the_matrix_parses() -> None:
    for name in scope.files():
        ast.parse((scope.ROOT / name).read_text(encoding="utf-8"))
