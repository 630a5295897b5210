"""What stands in the way of a start is named with its remedy, before anything has started."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from local import ports, preflight, secrets, setup, trouble


def test_a_taken_port_names_its_holder_and_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(trouble.Trouble, match=f"pid {os.getpid()}") as caught:
            preflight.check_ports({"desk": port})
    assert "CDMX_PORT_DESK=" in str(caught.value)


def test_free_ports_pass() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    preflight.check_ports({"desk": port})


def test_ports_are_moved_by_the_environment() -> None:
    table = ports.chosen({"CDMX_PORT_OPS_INGEST": "1234"})
    assert table["ops-ingest"] == 1234
    assert table["desk"] == ports.DEFAULTS["desk"]
    assert len(set(ports.DEFAULTS.values())) == len(ports.DEFAULTS)


def test_a_second_supervisor_is_refused(tmp_path: Path) -> None:
    with preflight.lock(tmp_path), pytest.raises(trouble.Trouble, match=f"pid {os.getpid()}"):
        preflight.lock(tmp_path)
    preflight.lock(tmp_path).close()


def test_leftovers_are_stopped_by_their_pids(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as left:
        (tmp_path / "pids.json").write_text(json.dumps({"ingest": left.pid, "gone": 2**22 - 3}))
        assert preflight.stop_leftovers(tmp_path) == ["ingest"]
        assert not preflight.runs(psutil.Process(left.pid))
    assert not (tmp_path / "pids.json").exists()


def test_a_younger_process_with_the_same_number_is_left_alone(tmp_path: Path) -> None:
    noted = tmp_path / "pids.json"
    noted.write_text(json.dumps({"ingest": os.getpid()}))
    before = psutil.Process().create_time() - 60
    os.utime(noted, (before, before))
    assert preflight.stop_leftovers(tmp_path) == []


def test_missing_node_says_nobody_can_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(trouble.Trouble, match="nadie puede entrar"):
        preflight.check_tools()


def test_too_little_room_is_said_before_installing(tmp_path: Path) -> None:
    with pytest.raises(trouble.Trouble, match="Disco lleno"):
        setup.need_room(tmp_path, 2**62)


def test_secrets_are_made_once_and_are_private(tmp_path: Path) -> None:
    first, second = secrets.ensure(tmp_path), secrets.ensure(tmp_path)
    assert first == second
    secrets.provider_settings(first, "http://127.0.0.1:1", 1, "a", "c")
    files = list(first.folder.iterdir())
    assert len(files) == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert len(first.pepper) == 32
