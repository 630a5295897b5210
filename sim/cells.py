"""The matrix a run must fill: every awaited side effect of the product x every fault.

The sites are read from the product's source, not from what happened to run: an await that no world reaches
stays visible as an unvisited cell.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Fault(StrEnum):
    """What may happen at an awaited side effect."""

    ERROR_BEFORE = "error before"
    EFFECT_THEN_ERROR = "effect then error"
    THROTTLE = "throttle"
    HANG = "hang"
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One awaited call of a port in the product's source; `function` is the one it stands in."""

    path: str
    line: int
    end: int
    call: str
    function: str = ""

    @property
    def port(self) -> str:
        """The name of the port that is called."""
        return self.call.partition(".")[0]


_OBJECTS = frozenset({"put", "get", "read", "stream", "put_stream", "copy", "head", "list", "delete"})
# Ports by the names under which composition hands them out, and the methods that are side effects.
PORT_METHODS: dict[str, frozenset[str]] = {
    "store": frozenset({"get", "get_many", "query", "write", "transact", "scan"}),
    "queue": frozenset({"receive", "hide", "delete", "park", "send", "depth"}),
    "dlqs": frozenset({"send"}),
    "objects": _OBJECTS,
    "raw": _OBJECTS,
    "bucket": _OBJECTS,
    "bus": frozenset({"publish", "probe"}),
    "service": frozenset({"generate", "unwrap"}),
    "index": frozenset({"ensure", "apply", "get", "forget", "refresh"}),
    "source": frozenset({"fetch"}),
    "scanner": frozenset({"scan"}),
    "decoder": frozenset({"decode", "release"}),
    "converter": frozenset({"convert", "release"}),
    "transcriber": frozenset({"start", "status", "forget"}),
    "search": frozenset({"forget", "remove", "missing"}),
    "exports": _OBJECTS,
    "edges": frozenset({"forget"}),
    "secrets": frozenset({"read", "write"}),
    "whatsapp": frozenset({"send", "fetch", "upload"}),
    "endpoint": frozenset({"deliver"}),
}
# Side effects that are handed in as a callable: a breaker asks its dependency by the probe it was given.
INJECTED = {"shared/queue/breaker.py": "_probe"}


def sites(root: Path, files: list[str]) -> list[Site]:
    """Every awaited port call in the given files, in source order."""
    return [site for name in files for site in _sites_of(root, name)]


def _sites_of(root: Path, name: str) -> Iterator[Site]:
    yield from _sites_in(ast.parse((root / name).read_text(encoding="utf-8")), name, "")


def _sites_in(node: ast.AST, path: str, function: str) -> Iterator[Site]:
    call = _effect(node)
    if call is not None and (label := _port_call(call) or _injected(path, call)):
        yield Site(path, call.lineno, call.end_lineno or call.lineno, label, function)
    inner = node.name if isinstance(node, ast.AsyncFunctionDef) else function
    for child in ast.iter_child_nodes(node):
        yield from _sites_in(child, path, inner)


def _effect(node: ast.AST) -> ast.Call | None:
    """The call behind `await f()`, or behind `async for x in f()` in loops and comprehensions."""
    expression: ast.AST | None = None
    if isinstance(node, ast.Await):
        expression = node.value
    elif isinstance(node, ast.AsyncFor) or (isinstance(node, ast.comprehension) and node.is_async):
        expression = node.iter
    return expression if isinstance(expression, ast.Call) else None


def _port_call(call: ast.Call) -> str | None:
    """`port.method` where the receiver carries a port's name (`self._store`, `ports.store`, `dlqs[name]`)."""
    if not isinstance(call.func, ast.Attribute):
        return None
    port = _name(call.func.value).lstrip("_")
    return f"{port}.{call.func.attr}" if call.func.attr in PORT_METHODS.get(port, ()) else None


def _injected(path: str, call: ast.Call) -> str | None:
    """`probe` where the file awaits a port's call that was handed in."""
    name = _name(call.func)
    return name.lstrip("_") if name == INJECTED.get(path) else None


def _name(receiver: ast.expr) -> str:
    if isinstance(receiver, ast.Subscript):
        return _name(receiver.value)
    return receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
