"""`python -I zygote.py`: forks a confined process for each job it reads, and says how each ended.

One line of JSON a job on standard input: {id, argv | job + args, cwd, out, err, limits, wall_s}; one line a job on
standard output: {id, code, late}. `code` is the exit code, negative = the signal; `late` = it was ended for its time.
It holds the libraries in memory, opens no file of a stranger itself, and ends with its standard input.
"""

import codecs
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from services.media.decode import jail

_JOBS = ("picture", "outgoing", "pdf", "office", "sound")
# Codecs the libraries ask for by name: like every module, they must be in memory before the confinement.
_CODECS = ("ascii", "cp437", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")
_STEP_S = 0.02
_UNCONFINED, _FAILED = 70, 4  # sysexits(3), EX_SOFTWARE; a job's own word for a file it cannot read
_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1", "HOME": "/nonexistent"}


class Zygote:
    """The loop and its children."""

    def __init__(self) -> None:
        self._children: dict[int, tuple[int, float]] = {}  # pid -> (job id, deadline)
        self._late: set[int] = set()
        self._rest = b""

    def run(self) -> None:
        """Until standard input ends; then all children end too."""
        while True:
            ready, _, _ = select.select([0], [], [], _STEP_S if self._children else None)
            if ready and not self._read():
                break
            self._reap()
        for pid in self._children:
            _end(pid)

    def _read(self) -> bool:
        data = os.read(0, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._start(json.loads(line))
        return bool(data)

    def _start(self, job: dict[str, Any]) -> None:
        pid = os.fork()
        if pid == 0:
            _be(job)
        self._children[pid] = (job["id"], time.monotonic() + job["wall_s"])  # noqa: TID251 - a process of its own, without a loop

    def _reap(self) -> None:
        now = time.monotonic()  # noqa: TID251 - the same
        for pid, (number, deadline) in list(self._children.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self._children[pid]
                _end(pid)  # what it may have left behind in its session
                self._end_orphans()
                code = os.waitstatus_to_exitcode(status)
                _say({"id": number, "code": code, "late": pid in self._late})
                self._late.discard(pid)
            elif now > deadline:
                self._late.add(pid)
                _end(pid)

    def _end_orphans(self) -> None:
        """Whoever left its session to outlive its parent has become our own child, as nobody else has."""
        listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
        for pid in [int(one) for one in listed if int(one) not in self._children]:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _end(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _say(answer: dict[str, Any]) -> None:
    os.write(1, json.dumps(answer).encode() + b"\n")


def _be(job: dict[str, Any]) -> None:
    """The child: it never returns."""
    code = _UNCONFINED
    try:
        os.setsid()
        _wire(job)
        jail.enter(jail.Limits(**job["limits"]))
        code = _FAILED
        if "argv" in job:
            os.execve(job["argv"][0], job["argv"], _ENV)  # noqa: S606 - our own command line, confined
        code = _MODULES[job["job"]].main(**job["args"])
    except MemoryError:
        code = 128 + signal.SIGXCPU
    except BaseException as error:  # noqa: BLE001 - whatever it is, the child ends here
        with suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}"[:500].encode("utf-8", "replace"))
    finally:
        os._exit(code)


def _wire(job: dict[str, Any]) -> None:
    """Nothing of the parent's is open but the child's own output."""
    null = os.open(os.devnull, os.O_RDONLY)
    out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    err = os.open(job["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for number, file in enumerate((null, out, err)):
        os.dup2(file, number)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    os.chdir(job["cwd"])


_MODULES: dict[str, Any] = {}


def main() -> None:
    """Load the jobs' libraries, say that we are there, and serve."""
    jail.adopt_orphans()
    for codec in _CODECS:
        codecs.lookup(codec)
    for name in _JOBS:
        _MODULES[name] = importlib.import_module(f"services.media.decode.{name}")
    _say({"id": 0, "code": 0, "late": False})
    Zygote().run()


if __name__ == "__main__":
    main()
