"""ClamAV's daemon, on a socket of its own, with two signatures: the EICAR test file's and a test pattern of ours.

The real signatures come with freshclam where there is a network (docs/media.md); what is shown here is that nothing is
served before a verdict.
"""

import hashlib
import re
import shutil
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from local.install import Say, need, silent
from local.paths import ROOT, TOOLS
from local.process import Server

NAME = "clamd"
READY_S = 30.0
WITHOUT = (
    "ningún archivo se muestra: no hay antivirus que lo revise",
    "no file is shown: there is no scanner to look at it",
)
PACKAGE = "clamav-daemon"
_HERE = ROOT / "services" / "media" / "clamav"
_REPLACED = re.compile(r"^(TCPSocket|DatabaseDirectory) .*\n", re.MULTILINE)


def folder(data: Path) -> Path:
    """Where its socket and signatures lie: a short path that the user it runs as can reach."""
    name = hashlib.sha256(str(data).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cdmx-clamd-{name}"


def address(data: Path) -> str:
    """Path of its socket."""
    return str(folder(data) / "clamd.sock")


@dataclass
class Clamd(Server):
    """The process; it is ready when it answers PING."""

    socket_path: str = ""

    def healthy(self, timeout_s: float = 2.0) -> bool:
        """One PING."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(timeout_s)
            try:
                line.connect(self.socket_path)
                line.sendall(b"zPING\0")
                return line.recv(64) == b"PONG\0"
            except OSError:
                return False


def install(tools: Path = TOOLS, say: Say = silent) -> None:
    """A Debian package. Raises Trouble where it is missing."""
    del tools, say
    need("clamd", WITHOUT, PACKAGE)


def server(port: int, data: Path, tools: Path = TOOLS) -> Clamd:
    """The process; it listens on no port."""
    del port, tools
    place = folder(data)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o777)
    place.chmod(0o1777)  # it runs as nobody and makes its socket here
    signatures = place / "signatures"
    signatures.mkdir(mode=0o755)
    shutil.copy(_HERE / "local.ndb", signatures / "local.ndb")
    options = _REPLACED.sub("", (_HERE / "clamd.conf").read_text(encoding="ascii"))
    settings = place / "clamd.conf"
    settings.write_text(
        f"{options}LocalSocket {address(data)}\nDatabaseDirectory {signatures}\n", encoding="ascii"
    )
    for path in (settings, signatures / "local.ndb"):
        path.chmod(0o644)
    return Clamd(
        name=NAME,
        argv=[need("clamd", WITHOUT, PACKAGE), "-c", str(settings)],
        url=f"unix://{address(data)}",
        health="PING",
        env={"LANG": "C.UTF-8"},
        log=data / "clamd.log",
        drop_root=True,
        socket_path=address(data),
    )


def remove(data: Path) -> None:
    """Forget its folder."""
    shutil.rmtree(folder(data), ignore_errors=True)
