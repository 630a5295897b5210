"""`make up-faults`: what can stop a newcomer's `make up`, done for real.

Port taken, tool missing, disk full, half download, emulator killed: each must end with its message, and after the
remedy the same command must work. Runs in a folder and on ports of its own, beside a running system.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local import ports
from local.paths import ROOT, TOOLS, reachable
from local.plan import ACCOUNT
from local.process import free_port
from local.provision import clients

_READY = "Ctrl-C:"
_LOST = "murió sin guardar"
_TIMEOUT_S = 400.0
_POLL_S = 0.2
_WORK = ROOT / ".local" / "faults"


class FaultError(AssertionError):
    """A fault did not end as it must."""


@dataclass
class Bench:
    """Where the faults are played.

    Args:
        state: `.local` of the runs.
        tools: their `.tools`: hard links to the real ones, so that it may be damaged.
        ports: a free port for each row.
        chance: seeded choices.
    """

    state: Path
    tools: Path
    ports: dict[str, int]
    chance: random.Random
    checks: list[str] = field(default_factory=list)

    def env(self, **more: str) -> dict[str, str]:
        """Environment of a `make up`."""
        moved = {ports.variable(row): str(port) for row, port in self.ports.items()}
        places = {"CDMX_STATE_DIR": str(self.state), "CDMX_TOOLS_DIR": str(self.tools)}
        return {**os.environ, **moved, **places, "DEMO": "0", "COLUMNS": "220", **more}

    def check(self, what: str, *, holds: bool, output: str = "") -> None:
        """Count one check. Raises FaultError when it does not hold."""
        if not holds:
            raise FaultError(f"{what}\n{output[-3000:]}")
        self.checks.append(what)


class Up:
    """One `make up`, as a person would run it."""

    def __init__(self, bench: Bench, *before: str, **more: str) -> None:
        self._log = bench.state.parent / "up.log"
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*before, "make", "-s", "up"],
                cwd=ROOT,
                env=bench.env(**more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """All it said so far."""
        return self._log.read_text("utf-8", "replace")

    def until(self, words: str) -> bool:
        """Wait until it says so; False = it ended before."""
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            if words in self.output:
                return True
            if self._process.poll() is not None:
                return words in self.output
            time.sleep(_POLL_S)
        self.kill()
        raise FaultError(f"{words!r} was not said within {_TIMEOUT_S:.0f} s\n{self.output[-3000:]}")

    def failed(self) -> bool:
        """Wait for its end; True = with an error."""
        try:
            return self._process.wait(_TIMEOUT_S) != 0
        except subprocess.TimeoutExpired:
            return False

    def interrupt(self) -> None:
        """Ctrl-C, and wait until everything stopped."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(_TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL, as a power cut; its children end by themselves."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_TIMEOUT_S)


def works(bench: Bench, after: str) -> None:
    """`make up` comes up and goes down."""
    up = Up(bench)
    try:
        bench.check(f"{after}: up works after the remedy", holds=up.until(_READY), output=up.output)
    finally:
        up.interrupt()
    saved = "detenido y guardado" in up.output
    bench.check(f"{after}: it stops and saves", holds=saved, output=up.output)


def refused(bench: Bench, kind: str, words: str, *before: str, **more: str) -> None:
    """`make up` ends with an error, the kind's message and these words in it."""
    up = Up(bench, *before, **more)
    try:
        bench.check(f"{kind}: it ends with an error", holds=up.failed(), output=up.output)
    finally:
        up.interrupt()
    said = f"[{kind}]" in up.output and words in up.output.replace("\n", " ")
    bench.check(f"{kind}: its message names {words!r}", holds=said, output=up.output)


def port_taken(bench: Bench) -> None:
    """Another program listens on one of our ports."""
    row = bench.chance.choice([row for row in bench.ports if row != "console"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", bench.ports[row]))
        taken.listen()
        refused(bench, "port", f"pid {os.getpid()}")
    works(bench, f"port of {row}")


def tool_missing(bench: Bench) -> None:
    """A program is not on the PATH."""
    tool = bench.chance.choice(["node", "java", "setpriv"])
    with _path_without(tool) as path:
        refused(bench, "tool", f"`{tool}`", PATH=path)
    works(bench, f"{tool} missing")


@contextmanager
def _path_without(tool: str) -> Iterator[str]:
    """A PATH with every program but one."""
    folder = _WORK / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place in os.environ["PATH"].split(":"):
        for program in sorted(Path(place).iterdir()) if Path(place).is_dir() else []:
            link = folder / program.name
            if program.name != tool and not link.is_symlink():
                link.symlink_to(program)
    yield str(folder)
    shutil.rmtree(folder)


def disk_full(bench: Bench) -> None:
    """No room for data (a small file system), then none for a download (a limit on file size)."""
    shutil.rmtree(bench.tools / "ministack")
    refused(bench, "disk", "Disco lleno", "prlimit", f"--fsize={bench.chance.randrange(100_000, 300_000)}")
    works(bench, "no room for a download")
    if _mount(bench.state, "4m"):
        try:
            refused(bench, "disk", str(bench.state))
            subprocess.run(["mount", "-o", "remount,size=1g", str(bench.state)], check=True)  # noqa: S603, S607 - our own words, programs as found
            works(bench, "no room for data")
        finally:
            subprocess.run(["umount", str(bench.state)], check=True)  # noqa: S603, S607 - our own words, programs as found


def _mount(where: Path, size: str) -> bool:
    """A small file system in memory; False where this user may not."""
    where.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", str(where)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own words
    return done.returncode == 0


def half_download(bench: Bench) -> None:
    """A jar is cut short in the repository; then an installation is cut short."""
    server = reachable(bench.tools) / "opensearch"
    shutil.rmtree(server)
    jar = bench.chance.choice(sorted((bench.tools / "m2").rglob("opensearch-*-3.3.2.jar")))
    _cut(jar, bench.chance)
    refused(bench, "download", jar.name)
    works(bench, "half a download")
    _cut(bench.chance.choice(sorted((server / "lib").glob("*.jar"))), bench.chance)
    works(bench, "half an installation")


def _cut(path: Path, chance: random.Random) -> None:
    """Leave a beginning of a file, without touching its hard links."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: chance.randrange(len(content))])


def emulator_killed(bench: Bench) -> None:
    """The emulator dies under a running system; then everything dies at once; then the supervisor alone."""
    up = Up(bench)
    try:
        bench.check("emulator: up", holds=up.until(_READY), output=up.output)
        written = _messages_after(bench, bench.chance.randrange(3, 9))
        _kill_emulator(bench)
        told = up.until(_LOST)
        bench.check("emulator killed: it says what is lost", holds=told, output=up.output)
        _are_back(bench, written, "emulator killed")
        _kill_emulator(bench)
    finally:
        up.kill()
    up = Up(bench)
    try:
        bench.check("all killed: up again", holds=up.until(_READY), output=up.output)
        bench.check("all killed: it says what is lost", holds=_LOST in up.output, output=up.output)
        _are_back(bench, written, "all killed")
    finally:
        up.kill()
    up = Up(bench)
    try:
        bench.check("supervisor killed: up again", holds=up.until(_READY), output=up.output)
        bench.check("supervisor killed: nothing is lost", holds=_LOST not in up.output, output=up.output)
        _are_back(bench, written, "supervisor killed")
    finally:
        up.interrupt()
    works(bench, "emulator killed")


def _are_back(bench: Bench, written: frozenset[str], after: str) -> None:
    found = _await_messages(bench, written)
    bench.check(f"{after}: messages are there", holds=written <= found, output=f"{sorted(written - found)}")


def _kill_emulator(bench: Bench) -> None:
    os.kill(json.loads((bench.state / "pids.json").read_text())["ministack"], signal.SIGKILL)


def _messages_after(bench: Bench, count: int) -> frozenset[str]:
    """Let a customer write, and give the ids in the record once they are all there."""
    known = _recorded(bench)
    url = f"http://127.0.0.1:{bench.ports['twin']}/_twin/customers/5215500000001/messages"
    body = json.dumps({"type": "text", "text": "prueba de emulador", "count": count}).encode()
    urllib.request.urlopen(urllib.request.Request(url, body)).close()
    deadline = time.monotonic() + 60
    while len(_recorded(bench)) < len(known) + count and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    found = _recorded(bench)
    bench.check("emulator: messages are recorded", holds=len(found) == len(known) + count, output=str(found))
    return found


def _await_messages(bench: Bench, wanted: frozenset[str]) -> frozenset[str]:
    deadline = time.monotonic() + 90
    while not wanted <= _recorded(bench) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return _recorded(bench)


def _recorded(bench: Bench) -> frozenset[str]:
    """message_ids in the record, read with a raw client."""
    dynamodb = clients(f"http://127.0.0.1:{bench.ports['ministack']}")("dynamodb")
    pages = dynamodb.get_paginator("scan").paginate(TableName="local-messages")
    try:
        items = [item for page in pages for item in page["Items"]]
    except (dynamodb.exceptions.ResourceNotFoundException, OSError):
        return frozenset()
    return frozenset(item["message_id"]["S"] for item in items if "message_id" in item)


FAULTS: tuple[Callable[[Bench], None], ...] = (
    port_taken,
    tool_missing,
    disk_full,
    half_download,
    emulator_killed,
)


def _bench(seed: int) -> Bench:
    """A fresh folder: hard links to the tools, no state."""
    shutil.rmtree(_WORK, ignore_errors=True)
    _WORK.mkdir(parents=True)
    subprocess.run(["cp", "-al", str(TOOLS.resolve()), str(_WORK / "tools")], check=True)  # noqa: S603, S607 - our own words, programs as found
    free = {row: free_port() for row in ports.DEFAULTS}
    return Bench(_WORK / "state", _WORK / "tools", free, random.Random(seed))  # noqa: S311 - choices, no secrets


def main() -> None:
    """Play the faults; exit 1 at the first that does not end as it must."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--only", choices=[fault.__name__ for fault in FAULTS])
    asked = parser.parse_args()
    git = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our own words
    print(f"up-faults: seed {asked.seed}, commit {commit or 'unknown'}, account {ACCOUNT}", flush=True)
    bench = _bench(asked.seed)
    played = [fault for fault in FAULTS if asked.only in (None, fault.__name__)]
    for fault in played:
        count, began = len(bench.checks), time.monotonic()
        try:
            fault(bench)
        except FaultError as error:
            sys.exit(f"✗ {fault.__name__}: {error}")
        print(
            f"✓ {fault.__name__}: {len(bench.checks) - count} checks, {time.monotonic() - began:.0f} s",
            flush=True,
        )
    shutil.rmtree(_WORK)
    shutil.rmtree(
        reachable(bench.tools), ignore_errors=True
    )  # elsewhere where the checkout lies in a closed home
    print(
        f"up-faults: {len(played)} of {len(FAULTS)} faults, {len(bench.checks)} checks, all ended as they must"
    )


if __name__ == "__main__":
    main()
