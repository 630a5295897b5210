"""The decoder over real programs: ffmpeg, poppler, tesseract, Pillow and pikepdf, each step confined and bounded."""

import shutil
from collections.abc import AsyncIterator, Callable

from services.media.adapters.converting import converted
from services.media.adapters.roads import Road, road
from services.media.adapters.sandbox import Box, Sandbox
from services.media.adapters.steps import QUICK, QUICK_S, Bench, MadeFile, Steps
from services.media.ports import Decoded, DecoderUnavailableError
from services.media.renditions import names
from services.media.sending import target
from shared.media.uploads import Kind

PROGRAMS = ("ffmpeg", "ffprobe", "tesseract", "pdftoppm", "pdftotext", "pdfinfo")


class Tools:
    """The decoder.

    Args:
        sandbox: runs each step.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._steps = Steps(sandbox)
        self._boxes: dict[int, Box] = {}
        self._missing = tuple(name for name in PROGRAMS if shutil.which(name) is None)
        self._confined = False

    async def check(self) -> None:
        """Find out whether a process can be confined here; `checks` tells."""
        box = self._sandbox.box()
        try:
            ran = await self._sandbox.run(box, QUICK, QUICK_S, argv=["/bin/true"])
            self._confined = ran.code == 0
        except DecoderUnavailableError:
            self._confined = False
        finally:
            box.close()

    def checks(self) -> dict[str, Callable[[], bool]]:
        """For /readyz: what is missing, by name; the first one also says how far the confinement goes here."""
        user = "own user" if self._sandbox.own_user else "same user"
        found: dict[str, Callable[[], bool]] = {f"decoders confined, {user}": lambda: self._confined}
        return found | {f"program {name}": lambda: False for name in self._missing}

    async def decode(self, chunks: AsyncIterator[bytes], kind: str, *, read: bool) -> Decoded:
        """Decode a file. Raises DecoderUnavailableError."""
        bench = await self._through(chunks, kind, road(kind), read=read)
        made = [MadeFile(bench.box, name, mime) for name, mime in names(kind).items()]
        return self._done(bench, made)

    async def convert(self, chunks: AsyncIterator[bytes], kind: str, wish: Kind) -> Decoded:
        """Make of a file what WhatsApp takes. Raises DecoderUnavailableError."""
        aim = target(wish, kind)
        if isinstance(aim, str):
            return Decoded(reason=aim)

        async def way(steps: Steps, bench: Bench) -> None:
            await converted(steps, bench, wish, aim)

        bench = await self._through(chunks, kind, way, read=False)
        if not bench.reason and bench.box.size(aim.name) > aim.most:
            bench.reason = "too_long"
        return self._done(bench, [] if bench.reason else [MadeFile(bench.box, aim.name, aim.mime)])

    async def release(self, decoded: Decoded) -> None:
        """Remove the file's folder."""
        box = self._boxes.pop(id(decoded), None)
        if box is not None:
            box.close()

    async def _through(self, chunks: AsyncIterator[bytes], kind: str, way: Road, *, read: bool) -> Bench:
        """A file in a box of its own, taken through its steps."""
        if self._missing:
            raise DecoderUnavailableError(self._missing[0])
        box = self._sandbox.box()
        try:
            await box.fill(chunks)
            bench = Bench(box, kind, read)
            await way(self._steps, bench)
        except BaseException:
            box.close()
            raise
        return bench

    def _done(self, bench: Bench, made: list[MadeFile]) -> Decoded:
        there = [each for each in made if bench.box.size(each.name) > 0]
        decoded = Decoded(there, bench.facts, bench.hashes, bench.card, bench.text, bench.reason)
        self._boxes[id(decoded)] = bench.box
        return decoded
