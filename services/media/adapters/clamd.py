"""ClamAV's daemon over its own protocol: INSTREAM, chunks with their lengths, one answer.

Source: clamd(8), "COMMANDS": `zINSTREAM`, then `<length, 4 bytes big endian><data>` repeated, then four zero bytes;
the answer is `stream: OK`, `stream: <name> FOUND` or `<what> ERROR`. StreamMaxLength must be above the 100 MB that
are scanned at most: clamd hangs up beyond it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from services.media.ports import ScannerUnavailableError

_SCAN_S = 120.0  # clamd's own MaxScanTime is 120 s (clamd.conf(5)); ours ends a clamd that hangs
_PROBE_S = 5.0
_ANSWER = 4096
_PIECE = 1 << 16
_Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Clamd:
    """One clamd.

    Args:
        address: path of its socket, or host:port.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    async def scan(self, chunks: AsyncIterator[bytes]) -> str | None:
        """What it found in a stream, None for nothing. Raises ScannerUnavailableError."""
        answer = await self._ask(_SCAN_S, b"zINSTREAM\0", chunks)
        if answer == "stream: OK":
            return None
        name, _, verdict = answer.removeprefix("stream: ").rpartition(" ")
        if verdict != "FOUND":
            raise ScannerUnavailableError(answer[:100])
        return name.removesuffix(".UNOFFICIAL")

    async def probe(self) -> None:
        """Returns where it answers. Raises ScannerUnavailableError."""
        answer = await self._ask(_PROBE_S, b"zPING\0")
        if answer != "PONG":
            raise ScannerUnavailableError(answer[:100])

    async def _ask(self, limit_s: float, command: bytes, chunks: AsyncIterator[bytes] | None = None) -> str:
        try:
            async with asyncio.timeout(limit_s):
                reader, writer = await self._open()
                with contextlib.closing(writer):
                    writer.write(command)
                    if chunks is not None:
                        await _send(writer, chunks)
                    return (await reader.read(_ANSWER)).rstrip(b"\0").decode("utf-8", "replace")
        except (OSError, TimeoutError) as error:
            raise ScannerUnavailableError(type(error).__name__) from None

    async def _open(self) -> _Line:
        host, colon, port = self._address.rpartition(":")
        if colon and port.isdigit():
            return await asyncio.open_connection(host, int(port))
        return await asyncio.open_unix_connection(self._address)


async def _send(writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes]) -> None:
    async for chunk in chunks:
        for at in range(0, len(chunk), _PIECE):
            piece = chunk[at : at + _PIECE]
            writer.write(len(piece).to_bytes(4, "big") + piece)
            await writer.drain()
    writer.write(bytes(4))
    await writer.drain()
