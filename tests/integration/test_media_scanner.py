"""One suite for the scanners: the one in memory, and ClamAV's daemon itself."""

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from local.engines import base, clamd
from services.media.adapters.clamd import Clamd
from services.media.adapters.memory import EICAR, MemoryScanner
from services.media.ports import Scanner, ScannerUnavailableError
from services.media.verdict import LIMIT, threat


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("clamd")
    clamd.install()
    server = base.start(clamd, 0, data)
    yield clamd.address(data)
    server.stop()
    clamd.remove(data)


@pytest.fixture(params=["memory", "clamd"])
def scanner(request: pytest.FixtureRequest) -> Scanner:
    if request.param == "memory":
        return MemoryScanner()
    return Clamd(request.getfixturevalue("daemon"))


async def pieces(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def test_nothing_is_found_in_a_clean_file(scanner: Scanner) -> None:
    assert await scanner.scan(pieces(b"hola " * 10_000, 7_000)) is None


@pytest.mark.parametrize("size", [7, 68, 1 << 20])
async def test_the_test_file_is_found_however_it_is_cut(scanner: Scanner, size: int) -> None:
    finding = await scanner.scan(pieces(EICAR, size))
    assert finding == "Desk.Eicar"
    assert threat(finding) == "infected"


async def test_an_empty_stream_is_clean(scanner: Scanner) -> None:
    assert await scanner.scan(pieces(b"", 1)) is None


async def test_it_answers_a_probe(scanner: Scanner) -> None:
    await scanner.probe()


async def test_many_at_once(scanner: Scanner) -> None:
    files = [EICAR if n % 2 else os.urandom(200_000) for n in range(12)]
    found = await asyncio.gather(*(scanner.scan(pieces(data, 65_536)) for data in files))
    assert [each is not None for each in found] == [bool(n % 2) for n in range(12)]


async def test_it_looks_into_archives(daemon: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("dentro/nota.txt", b"relleno " * 50 + EICAR)
    assert await Clamd(daemon).scan(pieces(buffer.getvalue(), 4096)) == "Desk.Eicar"


async def test_the_largest_file_that_is_scanned_is_taken_whole(daemon: str) -> None:
    async def zeros() -> AsyncIterator[bytes]:
        for _ in range(LIMIT // (1 << 20)):
            yield bytes(1 << 20)

    assert await Clamd(daemon).scan(zeros()) is None


@pytest.mark.parametrize("address", ["127.0.0.1:9", "/nonexistent/clamd.sock"])
async def test_no_daemon_is_no_verdict(address: str) -> None:
    with pytest.raises(ScannerUnavailableError):
        await Clamd(address).scan(pieces(b"x", 1))
    with pytest.raises(ScannerUnavailableError):
        await Clamd(address).probe()


@pytest.mark.parametrize(
    "answer", [b"", b"stream: Can't allocate memory ERROR\0", b"INSTREAM size limit exceeded\0"]
)
async def test_an_answer_that_is_no_verdict_is_none(tmp_path: Path, answer: bytes) -> None:
    async def odd(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(20)
        writer.write(answer)
        await writer.drain()
        writer.close()

    path = tmp_path / "s"
    server = await asyncio.start_unix_server(odd, path)
    async with server:
        with pytest.raises(ScannerUnavailableError):
            await Clamd(str(path)).scan(pieces(b"x" * 10, 10))
