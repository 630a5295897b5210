"""`make down`: asks a running `make up` of this folder to drain and stop, and waits for it."""

import sys

import psutil

from local.paths import STATE

_PATIENCE_S = 120.0


def _supervisor(pid: int) -> psutil.Process:
    """The supervisor; its number may belong to another process by now. Raises psutil.NoSuchProcess."""
    process = psutil.Process(pid)
    if "local.up" not in process.cmdline():
        raise psutil.NoSuchProcess(pid)
    return process


def main() -> None:
    """SIGTERM to the supervisor by its pid."""
    noted = STATE / "up.pid"
    text = noted.read_text().strip() if noted.exists() else ""
    try:
        process = _supervisor(int(text))
        process.terminate()
        process.wait(_PATIENCE_S)
    except (psutil.NoSuchProcess, ValueError):
        print("No hay nada en marcha / nothing is running")
    except psutil.TimeoutExpired:
        sys.exit(f"El supervisor {text} sigue deteniendo procesos / supervisor {text} is still stopping")


if __name__ == "__main__":
    main()
