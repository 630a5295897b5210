"""The servers of one machine, a file each: `install(tools)` once, then `start(port, data)`.

`start` returns a process that runs and is not yet awaited: `.wait_healthy(ENGINE.READY_S)`.
"""

from pathlib import Path
from typing import Protocol

from local.install import Say
from local.process import Server


class Engine(Protocol):
    """What each module of this package is."""

    NAME: str
    READY_S: float

    def install(self, tools: Path, say: Say = ...) -> None:
        """Bring everything it needs under `tools`; does nothing when it is there."""
        ...

    def start(self, port: int, data: Path, tools: Path = ...) -> Server:
        """Start it on loopback, its files in `data`."""
        ...
