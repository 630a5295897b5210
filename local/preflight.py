"""Before anything starts: one `make up` at a time, nothing left over from the last, every port free, every tool here."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import psutil

from local import ports, trouble
from local.engines import clamd

_LEFTOVER_GRACE_S = 60.0
_CLOCK_SLACK_S = 2.0
_POLL_S = 0.1
# Program, what does not work without it, Debian package. Maven and javac are asked for when something must be fetched.
_BLIND = (
    "los archivos se reciben y descargan, pero sin vistas previas, copias limpias ni texto",
    "files arrive and can be downloaded, but without previews, clean copies or text",
)
_DECODERS = (
    ("ffmpeg", "ffmpeg"),
    ("ffprobe", "ffmpeg"),
    ("tesseract", "tesseract-ocr-spa"),
    ("pdftoppm", "poppler-utils"),
    ("pdftotext", "poppler-utils"),
    ("pdfinfo", "poppler-utils"),
)
_TOOLS = (
    (
        "node",
        ("nadie puede entrar: no hay proveedor de identidad", "nobody can sign in: no identity provider"),
        "nodejs",
    ),
    (
        "java",
        ("no arranca OpenSearch: no hay búsqueda", "OpenSearch does not start: there is no search"),
        "openjdk-17-jdk-headless",
    ),
    (
        "setpriv",
        ("los procesos quedarían huérfanos si esto muere", "processes would be orphaned if this one dies"),
        "util-linux",
    ),
    ("clamd", clamd.WITHOUT, clamd.PACKAGE),
    *((program, _BLIND, package) for program, package in _DECODERS),
)


def lock(state: Path) -> IO[str]:
    """Be the only one over this folder until the file is closed. Raises Trouble."""
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "up.pid").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise trouble.Trouble(
            "running",
            f"El sistema ya está en marcha aquí (pid {pid}). Úselo, o deténgalo con `make down`.",
            f"The system is running here already (pid {pid}). Use it, or stop it with `make down`.",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def stop_leftovers(state: Path) -> list[str]:
    """Stop what an earlier supervisor left running, by the pids it noted; their names."""
    noted = state / "pids.json"
    if not noted.exists():
        return []
    written = noted.stat().st_mtime
    found = {name: _alive(pid, written) for name, pid in json.loads(noted.read_text()).items()}
    processes = {name: process for name, process in found.items() if process is not None}
    for process in processes.values():
        process.terminate()
    deadline = time.monotonic() + _LEFTOVER_GRACE_S
    while time.monotonic() < deadline and any(runs(process) for process in processes.values()):
        time.sleep(_POLL_S)
    for process in [process for process in processes.values() if runs(process)]:
        process.kill()
    noted.unlink()
    return list(processes)


def runs(process: psutil.Process) -> bool:
    """Whether it does; where nobody collects orphans, an ended one stays as a zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _alive(pid: int, noted_at: float) -> psutil.Process | None:
    """The process, unless it ended or its number now belongs to a younger one."""
    try:
        process = psutil.Process(pid)
        ours = process.create_time() <= noted_at + _CLOCK_SLACK_S
    except psutil.Error:
        return None
    return process if ours and runs(process) else None


def check_ports(wanted: Mapping[str, int]) -> None:
    """Raises Trouble naming the first port that is taken, and by whom."""
    for row, port in wanted.items():
        holder = ports.holder(port)
        if holder is not None:
            raise trouble.port_taken(row, port, holder, ports.variable(row))


def check_tools() -> None:
    """Raises Trouble naming the first program that is missing and what does not work without it."""
    for tool, without, package in _TOOLS:
        if shutil.which(tool) is None:
            raise trouble.tool_missing(tool, without, package)
