"""A server process is awaited, stopped by its own pid, and never outlives its parent."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local import trouble
from local.preflight import runs
from local.process import Server, free_port

_ANSWER = """
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(self.path[1:])); self.end_headers()
    def log_message(self, *a): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), H).serve_forever()
"""


def _server(tmp_path: Path, code: str, health: str = "/200", **more: object) -> Server:
    port = free_port()
    argv = [sys.executable, "-c", code, str(port)]
    url = f"http://127.0.0.1:{port}"
    return Server("probe", argv, url, health, {"PATH": os.environ["PATH"]}, tmp_path / "probe.log", **more)  # type: ignore[arg-type] # a test's shorthand


def _await(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_it_is_ready_when_it_answers_and_gone_when_stopped(tmp_path: Path) -> None:
    with _server(tmp_path, _ANSWER) as server:
        server.spawn()
        server.wait_healthy(20)
        assert server.alive
        pid = server.pid
    assert not psutil.pid_exists(pid)
    assert server.exit_code == -15


def test_another_status_may_mean_ready(tmp_path: Path) -> None:
    with _server(tmp_path, _ANSWER, "/400", ok=frozenset({400})) as server:
        server.spawn()
        server.wait_healthy(20)


def test_never_ready_is_said_with_the_end_of_the_log(tmp_path: Path) -> None:
    with _server(tmp_path, "print('no database', flush=True); import time; time.sleep(60)") as server:
        server.spawn()
        with pytest.raises(trouble.Trouble, match="no database"):
            server.wait_healthy(1.5)


def test_an_early_end_is_said_at_once(tmp_path: Path) -> None:
    server = _server(tmp_path, "raise SystemExit('bad setting')")
    server.spawn()
    began = time.monotonic()
    with pytest.raises(trouble.Trouble, match="bad setting"):
        server.wait_healthy(60)
    assert time.monotonic() - began < 20


def test_deaf_to_sigterm_is_killed(tmp_path: Path) -> None:
    code = "import signal,time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    server = _server(tmp_path, code, "", grace_s=0.5)
    server.spawn()
    while "deaf" not in server.tail():
        time.sleep(0.02)
    assert server.stop() is False
    assert server.exit_code == -9


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    parent = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path; from local.process import Server\n"
        "s = Server('x', ['sleep', '60'], '', '', {'PATH': sys.argv[2]}, Path(sys.argv[3])); s.spawn()\n"
        "print(s.pid, flush=True); import time; time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[3]
    argv = [sys.executable, "-c", parent, str(root), os.environ["PATH"], str(tmp_path / "log")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own code
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        _await(lambda: child.name() == "sleep")  # before, nobody has told the kernel whose death it shares
        process.kill()
    _await(lambda: not runs(child))
