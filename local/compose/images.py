"""`make images [IMAGES="media desk"]`: really builds images of docker-compose.yml and starts each, without a Docker engine.

mmdebstrap makes the base the registry would give (Debian's Python; for the identity provider Debian's Node), buildah
builds on it with chroot isolation. Not shown by this: the registry's own bases, other processors, and the isolation
of a container runtime. Everything built is removed at the end. By command only: it takes minutes and gigabytes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import trouble
from local.compose.file import Image, images, read
from local.install import need, run
from local.paths import ROOT, TOOLS

_PACKAGES = {
    "python": ("bookworm", "python3,python3-venv,ca-certificates"),
    "node": ("trixie", "nodejs,npm,ca-certificates"),
}
_WITHOUT = ("no corre `make images`", "`make images` does not run")
_PRODUCT = {"services", "shared"}
_USER = "10001"
_CA = "/etc/ssl/certs"
_NEEDED = 6_000_000_000  # bytes: a base, a build's stages and the image, each copied whole by the vfs driver


@dataclass(frozen=True, slots=True)
class Probe:
    """How an image shows that it starts: with one setting spoilt, it must say so and end.

    Args:
        env: the spoilt setting.
        code: exit code.
        says: what must stand in its output.
    """

    env: tuple[str, ...]
    code: int
    says: str


_SERVICE = Probe(("CDMX_OPS_PORT=none",), 2, "CDMX_OPS_PORT")
_PROBES = {
    "deploy/Dockerfile": _SERVICE,
    "deploy/compose/clamd.Dockerfile": Probe(("CDMX_CLAMD_CONF=/none",), 1, "/none"),
    "deploy/compose/twin.Dockerfile": Probe(("TWIN_PORT=none",), 1, "TWIN_PORT"),
    "deploy/compose/tools.Dockerfile": Probe((), 0, "settle"),
    "deploy/compose/emulator.Dockerfile": Probe(("CDMX_STATE_DIR=/proc",), 1, "/proc/emulator"),
    "deploy/compose/identity.Dockerfile": Probe((), 1, "/identity/oidc.json"),
}


class Builder:
    """buildah over a storage of its own.

    Args:
        folder: everything it writes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        settings = folder / "storage.conf"
        settings.write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
        )
        self._env = {"CONTAINERS_STORAGE_CONF": str(settings), "TMPDIR": str(folder)}

    def base(self, kind: str) -> str:
        """A base image of Debian packages; its name."""
        name = f"localhost/base-{kind}"
        if self._succeeds("inspect", "--type", "image", name):
            return name
        suite, packages = _PACKAGES[kind]
        archive = self._folder / f"{kind}.tar"
        run(
            [
                need("mmdebstrap", _WITHOUT, "mmdebstrap"),
                f"--include={packages}",
                "--variant=minbase",
                suite,
                archive,
            ]
        )
        container = self._say("from", "scratch")
        self._do("add", "-q", container, str(archive), "/")
        archive.unlink()
        self._do("commit", "-q", "--rm", container, name)
        return name

    def build(self, image: Image) -> str:
        """Build; the image's name."""
        kind = "node" if "identity" in image.dockerfile else "python"
        name = f"localhost/{image.name}"
        args = [("BASE", self.base(kind)), *image.args]
        flags = [word for key, value in args for word in ("--build-arg", f"{key}={value}")]
        # This machine's certificates: where downloads pass a proxy of its own, pip must know it.
        flags += ["--volume", f"{_CA}:{_CA}:ro"]
        isolation = ["--isolation", "chroot", "--network", "host", "--format", "docker", "--pull-never"]
        self._do("bud", "-q", *isolation, *flags, "-t", name, "-f", image.dockerfile, ".")
        return name

    def config(self, name: str) -> dict[str, Any]:
        """What the image says of itself."""
        found: dict[str, Any] = json.loads(self._say("inspect", "--type", "image", name))
        config: dict[str, Any] = found["Docker"]["config"]
        return config

    def start(self, name: str, config: dict[str, Any], env: Sequence[str]) -> tuple[int, str, list[str]]:
        """Run its own command; exit code, output, and the folders of its code."""
        container = self._say("from", "--pull-never", name)
        command = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
        flags = [word for one in env for word in ("--env", one)]
        done = self._run("run", "--isolation", "chroot", *flags, container, "--", *command)
        root = Path(self._say("mount", container))
        parts = sorted(str(path.relative_to(root / "app")) for path in (root / "app").glob("*/*"))
        self._do("rm", container)
        return done.returncode, done.stdout, parts

    def forget(self, name: str) -> None:
        """Remove an image."""
        self._do("rmi", "-f", name)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own command line
            [need("buildah", _WITHOUT, "buildah"), *words],
            cwd=ROOT,
            env={**os.environ, **self._env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def _succeeds(self, *words: str) -> bool:
        return self._run(*words).returncode == 0

    def _say(self, *words: str) -> str:
        done = self._run(*words)
        if done.returncode != 0:
            raise trouble.Trouble("image", f"buildah {words[0]}: {done.stdout[-2000:]}", "see above")
        return done.stdout.strip()

    def _do(self, *words: str) -> None:
        self._say(*words)


def faults(image: Image, config: dict[str, Any], code: int, output: str, parts: Sequence[str]) -> list[str]:
    """What is wrong with a built and started image."""
    probe, found = _PROBES[image.dockerfile], []
    if config.get("User") != _USER:
        found.append(f"runs as {config.get('User') or 'root'}")
    if code != probe.code or probe.says not in output:
        found.append(f"expected code {probe.code} and {probe.says!r}, got code {code}: {output[-600:]}")
    if image.dockerfile == "deploy/Dockerfile":
        own = f"services/{dict(image.args)['SERVICE']}"
        foreign = [part for part in parts if not _belongs(part, own)]
        found += [f"holds {part}" for part in foreign]
    return found


def _belongs(part: str, own: str) -> bool:
    """Whether a path two levels deep is the service's, or shared."""
    return part.startswith("shared/") or part in {own, "services/__init__.py", "services/__pycache__"}


def _one(builder: Builder, image: Image) -> list[str]:
    began = time.monotonic()
    name = builder.build(image)
    built = time.monotonic() - began
    config = builder.config(name)
    probe = _PROBES[image.dockerfile]
    code, output, parts = builder.start(name, config, probe.env)
    builder.forget(name)
    wrong = faults(image, config, code, output, parts)
    said = next((line.strip() for line in output.splitlines() if probe.says in line), "")
    tops = sorted(
        {part.partition("/")[0] for part in parts} | {p for p in parts if p.startswith("services/")}
    )
    print(
        f"{'✗' if wrong else '✓'} {image.name}: built in {built:.0f} s, user {config.get('User')}, /app: {', '.join(tops)}"
    )
    print(f"  code {code}: {said}", flush=True)
    for fault in wrong:
        print(f"  {fault}", flush=True)
    return wrong


def main() -> None:
    """Build what is named, else all."""
    wanted = set(sys.argv[1:])
    found = [one for one in images(read()) if not wanted or one.name.partition("/")[2] in wanted]
    if not found:
        sys.exit(
            f"no such image; there are {', '.join(one.name.partition('/')[2] for one in images(read()))}"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("images: stopped; what was built is removed"))
    TOOLS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="images-", dir=TOOLS))
    try:
        if shutil.disk_usage(folder).free < _NEEDED:
            raise trouble.disk_full(folder)
        wrong = [fault for image in found for fault in _one(Builder(folder), image)]
    except trouble.Trouble as problem:
        sys.exit(str(problem))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"images: {len(found)} built and started, {len(wrong)} faults")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
