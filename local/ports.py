"""The one table of ports. Each may be changed: `make up CDMX_PORT_DESK=9001`."""

from collections.abc import Mapping
from pathlib import Path

import psutil

DEFAULTS = {
    "ministack": 4566,
    "opensearch": 9200,
    "oidc": 8600,
    "twin": 8700,
    "desk": 8001,
    "search": 8002,
    "console": 5173,
    "ops-ingest": 9101,
    "ops-media": 9102,
    "ops-forwarder": 9103,
    "ops-gateway": 9104,
    "ops-indexer": 9105,
    "ops-search": 9106,
    "ops-desk": 9107,
    "ops-keeper": 9108,
}


def variable(name: str) -> str:
    """Environment variable that moves a port."""
    return f"CDMX_PORT_{name.upper().replace('-', '_')}"


def chosen(environ: Mapping[str, str]) -> dict[str, int]:
    """The table after the environment had its say. Raises ValueError where a port is no number."""
    return {name: int(environ.get(variable(name), port)) for name, port in DEFAULTS.items()}


def holder(port: int) -> str | None:
    """Who listens on a port of this machine, in words; None = nobody."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,):
            return _describe(connection.pid)
    return None


def _describe(pid: int | None) -> str:
    if pid is None:
        return "otro usuario / another user"
    try:
        process = psutil.Process(pid)
        return f"{Path(process.exe()).name} (pid {pid}: {' '.join(process.cmdline())[:60]})"
    except psutil.Error:
        return f"pid {pid}"
