"""What each engine's module is: `install(tools)` once, then `server(port, data)`."""

from pathlib import Path
from typing import Protocol

from local.install import Say
from local.process import Server


class Installable(Protocol):
    """What each module of this package is."""

    NAME: str
    READY_S: float

    def install(self, tools: Path, say: Say = ...) -> None:
        """Bring everything it needs under `tools`; does nothing when it is there."""
        ...


class Engine(Installable, Protocol):
    """An engine that needs no settings."""

    def server(self, port: int, data: Path, tools: Path = ...) -> Server:
        """The process that serves on loopback, its files in `data`; not started yet."""
        ...


def start(engine: Engine, port: int, data: Path) -> Server:
    """Start an installed engine and wait until it answers. Raises Trouble; nothing is left running then."""
    server = engine.server(port, data)
    server.spawn()
    try:
        server.wait_healthy(engine.READY_S)
    except BaseException:
        server.stop()
        raise
    return server
