"""`make screenshots`: the pictures of the docs, taken by Debian's Chromium from a system that has just had its morning."""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
from rich.console import Console

from local import demo
from local.install import need
from local.paths import ROOT
from local.system import System

IMAGES = ROOT / "docs" / "img"
_WITHOUT = ("no hay imágenes de la documentación", "the docs get no pictures")
_CALM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_SETTLE_MS = 4000  # the page's own live stream has brought everything by then


def shoot(url: str, picture: Path, size: str = "430,830") -> None:
    """One page as a PNG. Raises Trouble where there is no Chromium, CalledProcessError where it fails."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            need("chromium", _WITHOUT, "chromium"),
            *_CALM,
            f"--user-data-dir={profile}",
            f"--window-size={size}",
            f"--timeout={_SETTLE_MS}",  # the live stream never ends by itself
            f"--screenshot={picture}",
            url,
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603 - a fixed command


async def _main() -> int:
    console = Console()
    async with System(say=console.print) as system:
        await system.open_newsroom()
        async with httpx.AsyncClient(timeout=20) as http:
            morning = demo.Morning(system.urls, system.token("agent"), http)
            if not await morning.play(console):
                return 1
        IMAGES.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(shoot, f"{system.urls['twin']}/phone#5215512340001", IMAGES / "phone.png")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
