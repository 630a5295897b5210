"""What a decoder's process may not do, tried by programs of our own in the place of a decoder; and its limits."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from services.media.adapters.sandbox import Box, Sandbox
from services.media.adapters.tools import Tools
from services.media.decode import jail
from services.media.decode.jail import JailError, Limits
from services.media.ports import DecoderUnavailableError

FEW = Limits(cpu_s=5, memory=512 << 20, file=1 << 20)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    yield made
    await made.close()


@pytest.fixture
def box(sandbox: Sandbox) -> Box:
    return sandbox.box()


async def perl(sandbox: Sandbox, box: Box, code: str, limits: Limits = FEW, wall_s: float = 20.0) -> str:
    """Run a few lines as a hostile decoder would; what they print, or how they ended."""
    ran = await sandbox.run(box, limits, wall_s, argv=["/usr/bin/perl", "-e", code])
    return "spent" if ran.spent else ran.out.decode()


async def test_there_is_no_network(sandbox: Sandbox, box: Box) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        code = f"use IO::Socket::INET; print IO::Socket::INET->new('127.0.0.1:{port}') ? 'open' : \"$!\""
        assert await perl(sandbox, box, code) == "Operation not permitted"
    box.close()


async def test_nobody_can_be_signalled_or_traced(sandbox: Sandbox, box: Box) -> None:
    assert await perl(sandbox, box, f"print kill('TERM', {os.getpid()})") == "0"
    assert await perl(sandbox, box, f"open(F, '<', '/proc/{os.getpid()}/environ') or die; print <F>") == ""
    box.close()


async def test_it_is_another_user_where_we_may_choose_one(sandbox: Sandbox, box: Box, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("llave")
    secret.chmod(0o600)
    root = os.geteuid() == 0
    uid = jail.UID if root else os.geteuid()
    assert await perl(sandbox, box, "print $<, ' ', $>") == f"{uid} {uid}"
    assert await perl(sandbox, box, f"open(F, '<', '{secret}') or die; print <F>") == (
        "" if root else "llave"
    )
    box.close()


async def test_its_environment_is_empty_of_ours(sandbox: Sandbox, box: Box) -> None:
    said = await perl(sandbox, box, "print join(' ', sort keys %ENV)")
    assert said.split() == ["HOME", "LANG", "OMP_THREAD_LIMIT", "PATH"]
    box.close()


@pytest.mark.parametrize(
    "code",
    [
        "while (1) {}",
        "open(F, '>', 'x') or die; print F 'x' x 65536 while 1",
    ],
)
async def test_processor_time_and_space_are_bounded(sandbox: Sandbox, box: Box, code: str) -> None:
    few = Limits(cpu_s=1, memory=512 << 20, file=1 << 20)
    assert await perl(sandbox, box, code, few) == "spent"
    assert box.size("x") <= 1 << 20
    box.close()


async def test_memory_is_bounded(sandbox: Sandbox, box: Box) -> None:
    ran = await sandbox.run(
        box, FEW, 20, argv=["/usr/bin/perl", "-e", "my $x = 'x' x 2_000_000_000; print 'had it'"]
    )
    assert (ran.code != 0, ran.out) == (True, b"")
    box.close()


async def test_a_step_that_waits_for_ever_is_ended(sandbox: Sandbox, box: Box) -> None:
    assert await perl(sandbox, box, "sleep 60", wall_s=0.5) == "spent"
    box.close()


@pytest.mark.parametrize("leave", ["", "setsid();"])
async def test_what_it_leaves_behind_ends_with_it(sandbox: Sandbox, box: Box, leave: str) -> None:
    code = f"use POSIX; my $p = fork; if (!$p) {{ {leave} close STDOUT; sleep 60; exit }} sleep 1; print $p"
    said = await perl(sandbox, box, code)
    assert not psutil.pid_exists(int(said))
    box.close()


async def test_a_link_in_its_folder_is_not_followed(sandbox: Sandbox, box: Box) -> None:
    await perl(
        sandbox, box, "symlink('/etc/passwd', 'thumb.webp'); mkdir 'photo.jpg'; system('mkfifo peaks.json')"
    )
    for name in ("thumb.webp", "photo.jpg", "peaks.json", "absent"):
        assert box.size(name) == 0
    box.close()
    assert not box.folder.exists()


async def test_many_steps_at_once_each_get_their_own_answer(sandbox: Sandbox) -> None:
    boxes = [sandbox.box() for _ in range(6)]
    said = await asyncio.gather(*(perl(sandbox, box, f"print {n}") for n, box in enumerate(boxes)))
    assert said == [str(n) for n in range(6)]
    for box in boxes:
        box.close()


async def test_a_parent_that_died_is_started_anew(sandbox: Sandbox, box: Box) -> None:
    assert await perl(sandbox, box, "print 1") == "1"
    assert sandbox._process is not None
    sandbox._process.kill()
    await sandbox._process.wait()
    assert await perl(sandbox, box, "print 2") == "2"
    box.close()


async def test_where_nothing_can_be_confined_nothing_is_decoded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A parent whose children always fail to confine themselves."""
    false = tmp_path / "zygote.py"
    false.write_text(
        "import json, sys\n"
        "print(json.dumps({'id': 0, 'code': 0, 'late': False}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'code': 70, 'late': False}), flush=True)\n"
    )
    monkeypatch.setattr("services.media.adapters.sandbox._ZYGOTE", false)
    sandbox = Sandbox()
    tools = Tools(sandbox)

    async def nothing() -> AsyncIterator[bytes]:
        yield b"x"

    await tools.check()
    user = "own user" if os.geteuid() == 0 else "same user"
    assert tools.checks()[f"decoders confined, {user}"]() is False
    with pytest.raises(DecoderUnavailableError):
        await tools.decode(nothing(), "image/png", read=True)
    await sandbox.close()


async def test_a_missing_program_is_named_and_nothing_is_decoded(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox
) -> None:
    monkeypatch.setattr("services.media.adapters.tools.PROGRAMS", ("ffmpeg", "no-such-program"))
    tools = Tools(sandbox)

    async def nothing() -> AsyncIterator[bytes]:
        yield b"x"

    assert tools.checks()["program no-such-program"]() is False
    with pytest.raises(DecoderUnavailableError, match="no-such-program"):
        await tools.decode(nothing(), "image/png", read=True)


def test_the_filter_is_known_for_the_machines_we_run_on_and_refused_elsewhere() -> None:
    for machine in ("x86_64", "aarch64"):
        assert len(jail.program(machine)) % 8 == 0
    with pytest.raises(JailError):
        jail.program("mips")


async def test_it_holds_without_root(tmp_path: Path) -> None:
    """As in a container: an ordinary user, the same filter and limits."""
    code = (
        "import os, socket, sys\n"
        "os.geteuid() or (os.setgroups([]), os.setgid(12345), os.setuid(12345))\n"
        f"sys.path.insert(0, {str(Path.cwd())!r})\n"
        "jail.enter(jail.Limits(5, 1 << 30, 1 << 20))\n"
        "for name, call in (('socket', socket.socket), ('kill', lambda: os.kill(os.getppid(), 0))):\n"
        "    try:\n        call(); print(name, 'open')\n"
        "    except OSError as error:\n        print(name, error.errno)\n"
    )
    first = f"import sys; sys.path.insert(0, {str(Path.cwd())!r}); from services.media.decode import jail\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", first + code, stdout=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    out, _ = await process.communicate()
    assert out.decode().split("\n")[:2] == ["socket 1", "kill 1"]
