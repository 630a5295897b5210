"""Confined processes for one file each, forked by decode/zygote.py; nothing a decoder wrote is trusted.

Each file has a folder of its own: `src` and the output of every step lie in it, and only `box` in it belongs to the
decoder. What lies in `box` is opened without following links, and must be a plain file of a bounded size.
"""

import asyncio
import contextlib
import ctypes
import itertools
import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from services.media.decode.jail import UID, Limits
from services.media.ports import DecoderUnavailableError

_ZYGOTE = Path(__file__).resolve().parent.parent / "decode" / "zygote.py"
_START_S = 30.0
_GRACE_S = 5.0  # beyond a step's own time: then the zygote itself hangs
_OUTPUT = 1 << 20
_CHUNK = 1 << 20
_FAILED = 70  # zygote.py: the child could not confine itself
_PR_SET_DUMPABLE = 4


@dataclass(frozen=True, slots=True)
class Ran:
    """How a step ended: its exit code (negative = the signal), whether its time was over, what it said."""

    code: int
    late: bool
    out: bytes
    err: str

    @property
    def spent(self) -> bool:
        """Whether it ended because it took more than it may: time, processor, memory, a file too long."""
        killed = -self.code if self.code < 0 else self.code - 128
        return self.late or killed in _SPENT


_SPENT = frozenset({9, 24, 25})  # SIGKILL, SIGXCPU, SIGXFSZ


class Box:
    """The folder of one file.

    Attributes:
        src: the file's path. inside: the decoder's own folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o711)
        self.folder = folder
        self.src = folder / "src"
        self.inside = folder / "box"
        self.inside.mkdir(0o700)
        if os.geteuid() == 0:
            os.chown(self.inside, UID, UID)
        self._fd = os.open(self.inside, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    async def fill(self, chunks: AsyncIterator[bytes]) -> None:
        """Write the file."""
        with self.src.open("wb") as file:
            async for chunk in chunks:
                file.write(chunk)
        self.src.chmod(0o644)

    def size(self, name: str) -> int:
        """Bytes of a file the decoder made; 0 where it made none that may be read."""
        with contextlib.suppress(OSError), self._opened(name) as file:
            return os.fstat(file).st_size
        return 0

    async def chunks(self, name: str) -> AsyncIterator[bytes]:
        """The bytes of a file the decoder made."""
        with self._opened(name) as file:
            while chunk := os.read(file, _CHUNK):
                yield chunk

    def close(self) -> None:
        """Remove all of it."""
        os.close(self._fd)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def _opened(self, name: str) -> Iterator[int]:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._fd)
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError("no plain file")
            yield file
        finally:
            os.close(file)


class Sandbox:
    """Starts the zygote at the first use, and anew when it is gone."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._starting = asyncio.Lock()

    @property
    def own_user(self) -> bool:
        """Whether decoders run as another user than this process: only root can see to that."""
        return os.geteuid() == 0

    def box(self) -> Box:
        """A new folder; close it."""
        return Box(Path(tempfile.mkdtemp(prefix="cdmx-decode-")))

    async def run(
        self,
        box: Box,
        limits: Limits,
        wall_s: float,
        *,
        argv: Sequence[str] = (),
        job: str = "",
        args: Mapping[str, Any] | None = None,
    ) -> Ran:
        """Run a program, or a job of decode/, in a box. Raises DecoderUnavailableError where nothing can be confined."""
        number = next(self._numbers)
        out, err = box.folder / f"{number}.out", box.folder / f"{number}.err"
        what: dict[str, Any] = {"argv": list(argv)} if argv else {"job": job, "args": dict(args or {})}
        what |= {"id": number, "cwd": str(box.inside), "out": str(out), "err": str(err)}
        ended = await self._ask({**what, "limits": asdict(limits), "wall_s": wall_s}, wall_s + _GRACE_S)
        said = Ran(ended["code"], ended["late"], _head(out), _head(err).decode("utf-8", "replace"))
        if said.code == _FAILED:
            raise DecoderUnavailableError(said.err[:200])
        return said

    async def close(self) -> None:
        """End the zygote and with it all that runs."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader

    async def _ask(self, what: Mapping[str, Any], limit_s: float) -> Mapping[str, Any]:
        process = await self._alive()
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[what["id"]] = answer
        try:
            _stdin(process).write(json.dumps(what).encode() + b"\n")
            await _stdin(process).drain()
            async with asyncio.timeout(limit_s):
                return await answer
        except (OSError, TimeoutError) as error:
            raise DecoderUnavailableError(type(error).__name__) from None
        finally:
            self._waiting.pop(what["id"], None)

    async def _alive(self) -> asyncio.subprocess.Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await self._start()
            return self._process

    async def _start(self) -> asyncio.subprocess.Process:
        _hide()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_ZYGOTE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
        )
        try:
            async with asyncio.timeout(_START_S):
                ready = await _stdout(process).readline()
        except TimeoutError:
            ready = b""
        if not ready:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise DecoderUnavailableError("the decoders' parent did not start")
        self._reader = asyncio.get_running_loop().create_task(self._read(process))
        return process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand each answer to whoever waits for it; at the end everybody is told that there will be none."""
        while line := await _stdout(process).readline():
            answer = json.loads(line)
            waiting = self._waiting.get(answer["id"])
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(DecoderUnavailableError("the decoders' parent is gone"))
        await process.wait()


def _hide() -> None:
    """Where a decoder cannot be another user, this process's memory and environment are closed to its own user."""
    if os.geteuid() != 0:
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _head(path: Path) -> bytes:
    with contextlib.suppress(OSError), path.open("rb") as file:
        return file.read(_OUTPUT)
    return b""


def _stdin(process: asyncio.subprocess.Process) -> asyncio.StreamWriter:
    if process.stdin is None:
        raise DecoderUnavailableError("no pipe")
    return process.stdin


def _stdout(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise DecoderUnavailableError("no pipe")
    return process.stdout
