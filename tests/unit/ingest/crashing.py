"""Ports that die: at the n-th side effect, before it or right after it, the process is gone."""

from dataclasses import dataclass
from typing import Any

SIDE_EFFECTS = frozenset({"write", "transact", "put", "delete", "publish", "send"})


class CrashError(Exception):
    """The process died here."""


@dataclass
class Fuse:
    """Counts side effects across all ports; dies at `at` (None = never)."""

    at: int | None
    after: bool = False
    count: int = 0

    def burns(self) -> bool:
        self.count += 1
        return self.at == self.count


class Mortal:
    """A port whose calls may be the last."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._mortal(found) if name in SIDE_EFFECTS else found

    def _mortal(self, call: Any) -> Any:
        async def called(*args: Any, **kwargs: Any) -> Any:
            burns = self._fuse.burns()
            if burns and not self._fuse.after:
                raise CrashError
            answer = await call(*args, **kwargs)
            if burns:
                raise CrashError
            return answer

        return called
