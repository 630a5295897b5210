"""Putting a bug into the product and taking it out again.

A bug is a maker: it is handed the sound function, method or constant and answers the broken one. What was
replaced is watched, so that a bug whose own code raises is told from one that the audit found.
"""

import functools
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.scenes import Scene

Maker = Callable[[Any], Any]
HERE = str(Path(__file__).resolve().parent)
HEAT = 0.15
CLUMSY = (AttributeError, IndexError, KeyError, NameError, TypeError)


@dataclass(frozen=True, slots=True)
class Bug:
    """One bug.

    Attributes:
        name: for the command line. what: in words. parts: (target `module:name` or `module:Class.name`, maker).
        scenes: what is to happen in the worlds it is hunted in. hot: sites that fail there, so often: `heat`.
    """

    name: str
    what: str
    parts: tuple[tuple[str, Maker], ...]
    scenes: frozenset[Scene] = frozenset()
    hot: tuple[str, ...] = ()
    heat: float = HEAT


@dataclass(slots=True)
class Planted:
    """What a planted bug did. `calls`: how often the broken code ran. `clumsy`: errors of the bug itself."""

    calls: int = 0
    clumsy: list[str] = field(default_factory=list)

    def watch(self, error: Exception) -> None:
        """Note an error that came from the bug's own lines."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = trace.tb_frame.f_code.co_filename if trace is not None else ""
        if where.startswith(HERE):
            self.clumsy.append(f"{type(error).__name__}: {error}")


class Garden:
    """Collects the bugs of one module."""

    def __init__(self) -> None:
        self._bugs: list[Bug] = []

    def bug(
        self,
        what: str,
        *targets: str,
        scenes: Iterable[Scene] = (),
        hot: Sequence[str] = (),
        heat: float = HEAT,
    ) -> Callable[[Maker], Maker]:
        """Declare a maker as a bug named like itself; it is applied to each target."""

        def declare(maker: Maker) -> Maker:
            name = maker.__name__.replace("_", "-")
            parts = tuple((target, maker) for target in targets)
            self._bugs.append(Bug(name, what, parts, frozenset(scenes), tuple(hot), heat))
            return maker

        return declare

    def add(
        self, name: str, what: str, parts: Sequence[tuple[str, Maker]], scenes: Iterable[Scene] = ()
    ) -> None:
        """Declare a bug of several makers."""
        self._bugs.append(Bug(name, what, tuple(parts), frozenset(scenes)))

    def grown(self) -> tuple[Bug, ...]:
        """All of them, in the order of the file."""
        return tuple(self._bugs)


@contextmanager
def planted(bug: Bug) -> Iterator[Planted]:
    """The product with one bug in it. Raises AttributeError where a target no longer exists."""
    done = Planted()
    with ExitStack() as stack:
        for target, maker in bug.parts:
            stack.enter_context(_replaced(target, maker, done))
        yield done


@contextmanager
def _replaced(target: str, maker: Maker, done: Planted) -> Iterator[None]:
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    sound = getattr(owner, name)
    setattr(owner, name, _watched(maker(sound), done))
    try:
        yield
    finally:
        setattr(owner, name, sound)


def _watched(broken: Any, done: Planted) -> Any:
    if inspect.iscoroutinefunction(broken):
        return _watched_async(broken, done)
    return _watched_sync(broken, done) if inspect.isfunction(broken) else broken


def _watched_async(broken: Any, done: Planted) -> Any:
    @functools.wraps(broken)
    async def watched(*args: Any, **kwargs: Any) -> Any:
        done.calls += 1
        try:
            return await broken(*args, **kwargs)
        except CLUMSY as error:
            done.watch(error)
            raise

    return watched


def _watched_sync(broken: Any, done: Planted) -> Any:
    @functools.wraps(broken)
    def watched(*args: Any, **kwargs: Any) -> Any:
        done.calls += 1
        try:
            return broken(*args, **kwargs)
        except CLUMSY as error:
            done.watch(error)
            raise

    return watched
