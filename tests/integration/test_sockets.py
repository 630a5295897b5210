"""Everything of the system, and of its engines, listens on loopback only: read from the listening sockets."""

import ipaddress
from pathlib import Path

import psutil
import pytest

from local.engines import dynamodb_local, elasticmq
from local.engines.base import Engine, start
from local.plan import NAMES
from local.process import free_port
from local.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]


def _listening(pid: int) -> list[str]:
    """Addresses that a process and its children accept connections or datagrams on."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    found = [connection for process in family for connection in process.net_connections("inet")]
    return [
        connection.laddr[0]
        for connection in found
        if connection.status == psutil.CONN_LISTEN or (connection.laddr and not connection.raddr)
    ]


def _file_sockets(pid: int) -> list[str]:
    """Sockets in the file system: no network reaches them, and the folder's mode says who may (clamd)."""
    return [str(found.laddr) for found in psutil.Process(pid).net_connections("unix") if found.laddr]


def _loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


@pytest.mark.parametrize("name", NAMES)
def test_every_process_of_the_system_listens_on_loopback_only(system: System, name: str) -> None:
    addresses = _listening(system.pid(name))
    assert addresses or _file_sockets(system.pid(name)), f"{name} listens nowhere: nothing was checked"
    assert [address for address in addresses if not _loopback(address)] == []


@pytest.mark.parametrize("engine", [elasticmq, dynamodb_local], ids=lambda engine: engine.NAME)
def test_second_engines_listen_on_loopback_only(engine: Engine, tmp_path: Path) -> None:
    with start(engine, free_port(), tmp_path) as server:
        addresses = _listening(server.pid)
    assert addresses
    assert all(_loopback(address) for address in addresses)
