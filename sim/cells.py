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
    """One awaited call of a port in the product's source."""

    path: str
    line: int
    end: int
    call: str


# Ports by the names under which composition hands them out, and the methods that are side effects.
PORT_METHODS: dict[str, frozenset[str]] = {
    "store": frozenset({"get", "get_many", "query", "write", "transact", "scan"}),
    "queue": frozenset({"receive", "hide", "delete", "park", "send"}),
    "objects": frozenset({"put", "get", "stream", "put_stream", "copy", "head", "list", "delete"}),
    "raw": frozenset({"put", "get", "list", "delete", "head"}),
    "bus": frozenset({"publish"}),
    "service": frozenset({"generate", "unwrap"}),
    "index": frozenset({"bulk"}),
    "whatsapp": frozenset({"send", "fetch", "upload"}),
    "endpoint": frozenset({"deliver"}),
}


def sites(root: Path, files: list[str]) -> list[Site]:
    """Every awaited port call in the given files, in source order."""
    return [site for name in files for site in _sites_of(root, name)]


def _sites_of(root: Path, name: str) -> Iterator[Site]:
    tree = ast.parse((root / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        call = _effect(node)
        if call is not None and (label := _port_call(call)):
            yield Site(name, call.lineno, call.end_lineno or call.lineno, label)


def _effect(node: ast.AST) -> ast.Call | None:
    """The call behind `await f()`, or behind `async for x in f()` in loops and comprehensions."""
    expression: ast.AST | None = None
    if isinstance(node, ast.Await):
        expression = node.value
    elif isinstance(node, ast.AsyncFor) or (isinstance(node, ast.comprehension) and node.is_async):
        expression = node.iter
    return expression if isinstance(expression, ast.Call) else None


def _port_call(call: ast.Call) -> str | None:
    """`port.method` where the receiver carries a port's name (`self._store`, `ports.store`, `store`)."""
    if not isinstance(call.func, ast.Attribute):
        return None
    receiver = call.func.value
    name = receiver.attr if isinstance(receiver, ast.Attribute) else getattr(receiver, "id", "")
    port = name.lstrip("_")
    return f"{port}.{call.func.attr}" if call.func.attr in PORT_METHODS.get(port, ()) else None
