"""Installing into `.tools`: whole or not at all.

A folder is built aside, sealed with a list of its files, then renamed; a folder without its seal, with
another recipe's seal, or with a file shorter than sealed, is a half installation and is made again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local import trouble

Say = Callable[[str], None]
_SEAL = "cdmx-seal.json"


def silent(_: str) -> None:
    """Says nothing."""


def recipe(*parts: str | Path) -> str:
    """A fingerprint of what an installation is made from: strings and the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.read_bytes() if isinstance(part, Path) else part.encode())
    return digest.hexdigest()


def _sizes(folder: Path) -> dict[str, int]:
    """Size of each regular file; byte code is left out, because Python rewrites it."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {
        str(path.relative_to(folder)): path.stat().st_size
        for path in found
        if path.suffix != ".pyc" and path.name != _SEAL
    }


def _sealed(folder: Path, made_from: str) -> bool:
    try:
        seal = json.loads((folder / _SEAL).read_text())
    except (OSError, ValueError):
        return False
    if seal.get("recipe") != made_from:
        return False
    sizes: dict[str, int] = seal["files"]
    return all(_size(folder / name) == size for name, size in sizes.items())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def ensure(target: Path, made_from: str, build: Callable[[Path], None], say: Say = silent) -> bool:
    """Have `target` installed by `build`, once. True = it was built now.

    Args:
        target: the folder to be.
        made_from: the recipe's fingerprint.
        build: fills the empty folder it is given.
        say: progress.
    """
    if _sealed(target, made_from):
        return False
    if target.exists():
        say(f"{target.name}: instalación incompleta, se rehace / half installation, made again")
        shutil.rmtree(target)
    partial = target.with_name(target.name + ".partial")
    try:
        _build(partial, target, made_from, build)
    except OSError as error:
        if trouble.is_disk_full(error):
            raise trouble.disk_full(target) from error
        raise
    return True


def _build(partial: Path, target: Path, made_from: str, build: Callable[[Path], None]) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    build(partial)
    (partial / _SEAL).write_text(json.dumps({"recipe": made_from, "files": _sizes(partial)}))
    partial.rename(target)


def run(argv: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a tool to its end. Raises Trouble with its last lines when it fails."""
    done = subprocess.run(  # noqa: S603 - our own command lines
        [str(word) for word in argv],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode == 0:
        return
    output = done.stdout.decode("utf-8", "replace")
    if trouble.says_disk_full(output):
        raise trouble.disk_full(cwd or Path.cwd())
    tail = output[-1500:]
    raise trouble.Trouble(
        "download",
        f"Falló `{Path(argv[0]).name}` (código {done.returncode}); revise la red y repita `make up`.\n{tail}",
        f"`{Path(argv[0]).name}` failed (code {done.returncode}); check the network and run `make up` again.",
    )


def environment(folder: Path, lock: Path) -> None:
    """A virtual environment of what a hashed requirement file says, installed as it stands. Raises Trouble."""
    run([sys.executable, "-m", "venv", "--without-pip", folder])
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
    run([*pip, "install", "-q", "--disable-pip-version-check", "--require-hashes", "--no-deps", "-r", lock])


def need(tool: str, without: tuple[str, str], package: str) -> str:
    """Path of a program on this machine. Raises Trouble naming what does not work without it."""
    path = shutil.which(tool)
    if path is None:
        raise trouble.tool_missing(tool, without, package)
    return path
