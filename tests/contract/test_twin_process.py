"""The twin as a process: loopback only, killed it loses nothing, told to stop it drains."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

pytestmark = pytest.mark.engines


class Process:
    """`python -m twin` over one state directory."""

    def __init__(self, aws: str, state: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        endpoints = {f"AWS_ENDPOINT_URL_{name}": aws for name in ("SNS", "SQS", "S3")}
        settings = {"TWIN_PORT": str(self.port), "TWIN_STATE_DIR": str(state)}
        self._env = os.environ | endpoints | settings
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._running = subprocess.Popen([sys.executable, "-m", "twin"], env=self._env)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                self.get("/_twin/health")
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the twin did not start within 20 s")

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def end(self, how: signal.Signals) -> int:
        if self._running is None:
            return 0
        self._running.send_signal(how)
        return self._running.wait(20)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
            return answer.read()

    def post(self, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data)
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - loopback
            return json.loads(answer.read())

    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.get("/_twin/history?after=0").splitlines()]


@pytest.fixture
def twin(ministack: str, tmp_path: Path) -> Iterator[Process]:
    process = Process(ministack, tmp_path)
    process.start()
    yield process
    process.end(signal.SIGKILL)


def _listen(twin: Process, aws: str, prefix: str) -> None:
    topic = boto3.client("sns", endpoint_url=aws, region_name="us-east-1").create_topic(Name=f"{prefix}t")
    eum = boto3.client(
        "socialmessaging", endpoint_url=f"http://127.0.0.1:{twin.port}", region_name="us-east-1"
    )
    (account,) = eum.list_linked_whatsapp_business_accounts()["linkedAccounts"]
    where = [{"eventDestinationArn": topic["TopicArn"]}]
    eum.put_whatsapp_business_account_event_destinations(id=account["id"], eventDestinations=where)


def test_it_listens_on_loopback_only(twin: Process) -> None:
    sockets = psutil.Process(twin.pid).net_connections("inet")
    assert {c.laddr.ip for c in sockets if c.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def test_killed_between_writing_and_publishing_it_publishes_after_the_start(
    twin: Process, ministack: str, prefix: str
) -> None:
    _listen(twin, ministack, prefix)
    twin.post("/_twin/faults", kind="delay", rate=1, min_ms=1500, max_ms=1500)
    said = [twin.post("/_twin/customers/c001/messages", text=f"va {n}")["wamid"] for n in range(20)]
    assert twin.end(signal.SIGKILL) == -signal.SIGKILL
    assert not [r for r in _stored(twin) if r["kind"] == "published"]
    twin.start()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        published = [r["wamid"] for r in twin.rows() if (r["kind"], r["phase"]) == ("published", "ok")]
        if len(published) == len(said):
            break
        time.sleep(0.1)
    assert sorted(published) == sorted(said)
    assert [r["wamid"] for r in twin.rows() if r["kind"] == "written"] == said


def _stored(twin: Process) -> list[dict[str, Any]]:
    from twin.history import History  # noqa: PLC0415 - the file of a dead process, read by its own code

    history = History(Path(twin._env["TWIN_STATE_DIR"]) / "history.sqlite3")
    rows = history.rows()
    history.close()
    return rows


def test_told_to_stop_it_ends_well_within_its_grace(twin: Process) -> None:
    twin.post("/_twin/customers/c001/messages", text="adiós")
    with urllib.request.urlopen(f"http://127.0.0.1:{twin.port}/_twin/live", timeout=5):
        began = time.monotonic()
        assert twin.end(signal.SIGTERM) == 0
        assert time.monotonic() - began < 8
