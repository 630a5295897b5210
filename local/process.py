"""One server as a child process: started in its own session, watched over HTTP, stopped by its own pid."""

import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from local import trouble
from local.paths import UNPRIVILEGED

_POLL_S = 0.1
_TAIL_BYTES = 2000


# Below Linux's ephemeral range (ip_local_port_range, 32768 up), where any outgoing connection of a neighbour
# may take a port between our look and the child's bind.
_PORTS = (20_000, 32_000)


def free_port() -> int:
    """A port of loopback that nobody listens on now, and that no outgoing connection will take."""
    while True:
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class Server:
    """A child process with an address.

    Args:
        name: how people call it.
        argv: the command.
        url: its base URL on loopback.
        health: path that answers when it is ready; empty = being alive is enough.
        env: its whole environment.
        log: file its output is appended to.
        cwd: its working directory.
        ok: statuses of `health` that mean ready.
        grace_s: how long it may take to stop by itself.
        drop_root: run as `nobody` when we are root.
    """

    name: str
    argv: Sequence[str]
    url: str
    health: str
    env: Mapping[str, str]
    log: Path
    cwd: Path | None = None
    ok: frozenset[int] = frozenset({200})
    grace_s: float = 20.0
    drop_root: bool = False
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """Process id. Raises RuntimeError before the first start."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs or before it started; negative = the signal."""
        return None if self._process is None else self._process.poll()

    def spawn(self) -> None:
        """Start the process. It gets SIGTERM by itself should its parent die without stopping it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [*self._guard(), *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                start_new_session=True,  # the terminal's Ctrl-C is for the supervisor alone
            )

    def _guard(self) -> list[str]:
        guard = ["setpriv", "--pdeathsig", "TERM"]
        if self.drop_root and os.geteuid() == 0:
            guard += [f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--clear-groups"]
        return guard

    def healthy(self, timeout_s: float = 2.0) -> bool:
        """One look at the health path."""
        if not self.health:
            return self.alive
        try:
            with urllib.request.urlopen(self.url + self.health, timeout=timeout_s) as answer:  # noqa: S310 - loopback http
                return answer.status in self.ok
        except urllib.error.HTTPError as error:
            return error.code in self.ok
        except OSError:
            return False

    def wait_healthy(self, timeout_s: float) -> None:
        """Wait until it is ready. Raises Trouble when it ended or the time is over."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.alive:
                break
            if self.healthy():
                return
            time.sleep(_POLL_S)
        raise trouble.not_healthy(self.name, timeout_s, self.exit_code, self.log, self.tail())

    def tail(self) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace")

    def stop(self) -> bool:
        """SIGTERM, wait, SIGKILL. True = it ended by itself."""
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        try:
            self._process.wait(self.grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
