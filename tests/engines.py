"""Real servers for the tests, one of each for the whole run, shared by all pytest-xdist workers.

Where an address comes from: `CDMX_TEST_<NAME>_URL` if set; else a broker process that starts the engine in a
container where Docker answers, else natively. An engine that does not start fails the test, it never skips it.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import pytest

BROKER = "CDMX_TEST_BROKER"
_START_S = 1500  # building versitygw from its module is the slowest


def launch_broker() -> tuple["subprocess.Popen[bytes]", Path]:
    """Start the broker; closing its standard input ends it and all it started."""
    state = Path(tempfile.mkdtemp(prefix="cdmx-tests-"))
    state.chmod(0o755)  # OpenSearch runs as another user
    path = state / "broker"
    os.environ[BROKER] = str(path)
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "local.engines.broker", str(path), str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd=Path(__file__).resolve().parent.parent,
        start_new_session=True,
    )
    return process, state


def url_of(name: str) -> str:
    """Address of an engine; fails the test when it cannot be had."""
    given = os.environ.get(f"CDMX_TEST_{name.upper()}_URL")
    if given:
        return given
    reply = _ask(name)
    status, _, rest = reply.partition(" ")
    if status != "ok":
        pytest.fail(f"{name} did not start: {rest}", pytrace=False)
    return rest


def _ask(name: str) -> str:
    path = os.environ[BROKER]
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_START_S)
        _connect(line, path)
        line.sendall(f"{name}\n".encode())
        return line.makefile("r").read()


def _connect(line: socket.socket, path: str) -> None:
    """The broker's socket appears within a moment of its start."""
    for _ in range(600):
        try:
            line.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.05)
        else:
            return
    pytest.fail("the engines' broker did not start", pytrace=False)


def unique_prefix() -> str:
    """A resource prefix no other test has, in this run or another: `t1a2b3c4d-`."""
    return f"t{uuid.uuid4().hex[:8]}-"
