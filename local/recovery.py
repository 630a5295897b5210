"""After an emulator that died unsaved: search starts empty and the record is filled again from the raw archive."""

import asyncio
import json
import shutil
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from local import trouble
from local.paths import ROOT
from shared import topology

LOST = (
    (
        "El emulador murió sin guardar: se rehízo todo y se volvió a llenar desde el archivo crudo. No están en él, y se "
        "perdieron: lo escrito desde la mesa, las etiquetas y la configuración (destinos, rutas)."
    ),
    (
        "The emulator died unsaved: everything was made again and refilled from the raw archive. Not in it, and lost: "
        "what was written at the desk, tags, and configuration (destinations, routes)."
    ),
)


_RUNNING, _STATE = "running", "state"
_KEPT = (
    "dynamodb",
    "kms",
    "s3",
    "secretsmanager",
    "sns",
    "sqs",
)  # files the emulator writes, whole, when it ends


def mark_running(folder: Path) -> None:
    """From now on the emulator holds what its folder does not."""
    (folder / _RUNNING).touch()


def forget_unsaved(folder: Path) -> bool:
    """Whether the emulator died without saving; what it had saved before is dropped then, objects stay.

    It saved if each of its files is younger than the mark. A state older than the crash would send again what
    was already sent.
    """
    marker, state = folder / _RUNNING, folder / _STATE
    if not marker.exists():
        return False
    began = marker.stat().st_mtime_ns
    files = [state / f"{name}.json" for name in _KEPT]
    if all(file.exists() and file.stat().st_mtime_ns > began for file in files):
        return False
    shutil.rmtree(state, ignore_errors=True)
    return True


def drop_search(url: str, prefix: str) -> list[str]:
    """Delete our indices, each by its name; gives the names."""
    ours = f"{prefix}{topology.SEARCH_ALIAS}*,{prefix}{topology.SEARCH_CONVERSATIONS}*"
    with urllib.request.urlopen(f"{url}/_cat/indices/{ours}?format=json", timeout=30) as answer:  # noqa: S310 - ours, loopback
        names = sorted(row["index"] for row in json.load(answer))
    for name in names:
        request = urllib.request.Request(f"{url}/{name}", method="DELETE")  # noqa: S310 - http on loopback
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - http on loopback
    return names


async def replay(env: Mapping[str, str]) -> str:
    """Run `cdmx replay`; its last line. Raises Trouble with its output where it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ops",
        "replay",
        env=dict(env),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode("utf-8", "replace").strip()
    if process.returncode != 0:
        raise trouble.Trouble(
            "replay",
            f"`cdmx replay` terminó con código {process.returncode}; el archivo crudo sigue completo. {output[-800:]}",
            f"`cdmx replay` ended with code {process.returncode}; the raw archive is still whole.",
        )
    return output.splitlines()[-1] if output else ""
