"""The same engines as containers, where a Docker engine answers (testcontainers)."""

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.engines import versitygw

_READY_S = 240.0


@dataclass(frozen=True, slots=True)
class Image:
    """A pinned image and how to reach what runs in it."""

    name: str
    port: int
    health: str
    environment: dict[str, str]
    command: str = ""
    ok: int = 200


IMAGES = {
    "ministack": Image(
        "ministackorg/ministack:1.5.33", 4566, "/_ministack/health", {"IOT_MTLS_ENABLED": "0"}
    ),
    "elasticmq": Image("softwaremill/elasticmq:1.7.1", 9324, "/health", {}),
    "dynamodb_local": Image("amazon/dynamodb-local:2.6.1", 8000, "/", {}, ok=400),
    "opensearch": Image(
        "opensearchproject/opensearch:3.3.2",
        9200,
        "/_cluster/health?wait_for_status=yellow&timeout=1s",
        {
            "discovery.type": "single-node",
            "DISABLE_SECURITY_PLUGIN": "true",
            "DISABLE_INSTALL_DEMO_CONFIG": "true",
        },
    ),
    "versitygw": Image(
        "versity/versitygw:v1.8.0",
        7070,
        "/health",
        {"ROOT_ACCESS_KEY": versitygw.ACCESS_KEY, "ROOT_SECRET_KEY": versitygw.SECRET_KEY},
        "--port :7070 --health /health posix /tmp",
    ),
}


@dataclass(frozen=True, slots=True)
class Container:
    """A running container."""

    url: str
    handle: Any

    def stop(self) -> None:
        """Remove it."""
        self.handle.stop()


def starter() -> Callable[[str], Container] | None:
    """How to start an engine in a container; None where no Docker engine answers."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    answer = subprocess.run([docker, "info"], capture_output=True, check=False, timeout=30)  # noqa: S603 - our own words
    return _start if answer.returncode == 0 else None


def _start(name: str) -> Container:
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - only where there is Docker

    image = IMAGES[name]
    handle = DockerContainer(image.name).with_exposed_ports(image.port)
    for key, value in image.environment.items():
        handle = handle.with_env(key, value)
    if image.command:
        handle = handle.with_command(image.command)
    handle.start()
    container = Container(
        f"http://{handle.get_container_host_ip()}:{handle.get_exposed_port(image.port)}", handle
    )
    try:
        _wait(container.url + image.health, image.ok)
    except TimeoutError:
        container.stop()
        raise
    return container


def _wait(url: str, ok: int) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if _status(url) == ok:
            return
        time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer {ok} within {_READY_S:.0f} s")


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - the container's own address
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
