"""What went wrong in words a person can act on, in Spanish first, then English, each with the remedy."""

import errno
from dataclasses import dataclass
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")


@dataclass(eq=False)  # not frozen: raising an exception writes its __traceback__
class Trouble(Exception):  # noqa: N818 - it is shown to people, who have trouble, not errors
    """A known obstacle.

    Args:
        kind: one word for tests and scripts: `port`, `tool`, `disk`, `download`, `start`.
        es: what happened and the remedy, Spanish.
        en: the same in English.
    """

    kind: str
    es: str
    en: str

    def __str__(self) -> str:
        return f"[{self.kind}] {self.es}\n         {self.en}"


def disk_full(where: Path) -> Trouble:
    """No room left where something had to be written."""
    return Trouble(
        "disk",
        f"Disco lleno al escribir en {where}. Libere espacio (la instalación ocupa 1.5 GB; los datos, en "
        f".local) y repita `make up`: continúa donde quedó.",
        f"Disk full while writing to {where}. Free some space (the installation takes 1.5 GB; the data is in "
        f".local) and run `make up` again: it goes on from there.",
    )


def is_disk_full(error: OSError) -> bool:
    """Whether the system refused a write for want of room, quota or file size."""
    return error.errno in _FULL


def says_disk_full(output: str) -> bool:
    """Whether a tool's output complains about room."""
    return any(word in output for word in _FULL_WORDS)


def tool_missing(tool: str, without: tuple[str, str], package: str) -> Trouble:
    """A program is not installed.

    Args:
        tool: its name.
        without: what does not work without it, in Spanish and English.
        package: the Debian package that brings it.
    """
    return Trouble(
        "tool",
        f"Falta el programa `{tool}`: sin él {without[0]}. Remedio: `make deps`, o bien "
        f"`sudo apt-get install {package}`.",
        f"The program `{tool}` is missing: without it {without[1]}. Remedy: `make deps`, or "
        f"`sudo apt-get install {package}`.",
    )


def half_download(name: str, where: Path) -> Trouble:
    """What came is not what was promised."""
    return Trouble(
        "download",
        f"Descarga incompleta o alterada: {name}. Lo dañado ya se retiró de {where}; revise la red y repita "
        f"`make up`: solo se descarga lo que falta.",
        f"Incomplete or altered download: {name}. The damaged part was removed from {where}; check the network "
        f"and run `make up` again: only what is missing is downloaded.",
    )


def port_taken(name: str, port: int, holder: str, variable: str) -> Trouble:
    """Somebody else listens on a port we need."""
    return Trouble(
        "port",
        f"El puerto {port} ({name}) está ocupado por {holder}. Cierre ese programa o elija otro puerto: "
        f"`make up {variable}=<puerto>`.",
        f"Port {port} ({name}) is taken by {holder}. Close that program or choose another port: "
        f"`make up {variable}=<port>`.",
    )


def not_healthy(name: str, seconds: float, code: int | None, log: Path, tail: str) -> Trouble:
    """A process started and never became ready (code None), or ended."""
    if says_disk_full(tail):
        return disk_full(log.parent)
    es = f"no quedó listo en {seconds:.0f} s" if code is None else f"terminó al arrancar (código {code})"
    en = f"was not ready within {seconds:.0f} s" if code is None else f"ended while starting (code {code})"
    return Trouble(
        "start",
        f"{name} {es}. Su registro completo: {log}. Su final:\n{tail}",
        f"{name} {en}. Its whole log: {log}",
    )
