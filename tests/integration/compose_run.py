"""docker-compose.yml played by processes of this machine: same order, commands, environments and volumes.

What a container has of its own is mapped: host names to loopback, ports to free ones, volumes to folders.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.compose.file import read
from local.engines import oidc
from local.paths import ROOT, TOOLS
from local.process import Server, free_port
from tests.integration import compose_rules

READY_S = 90.0
STEP_S = 120.0
_HEALTH = re.compile(r"http://127\.0\.0\.1:(?P<port>\d+)(?P<path>/[^'\"]*)")
_ADDRESS = re.compile(r"http://(?P<host>[a-z0-9.]+):(?P<port>\d+)")
_OPS = "9100"


@dataclass
class Composed:
    """Everything of the file but what it is told to leave out.

    Args:
        folder: where volumes and logs go.
        opensearch: address of a running OpenSearch.
        prefix: of every resource, instead of the file's `local-`.
        without: services that are not played.
    """

    folder: Path
    opensearch: str
    prefix: str
    without: frozenset[str] = frozenset(
        {"opensearch", "tools", "clamd"}
    )  # clamd: what is played here has no files
    servers: dict[str, Server] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = read()["services"]
        self.ports = {name: free_port() for name, one in plain.items() if "ports" in one}
        moved = {f"CDMX_PORT_{name.upper()}": str(port) for name, port in self.ports.items()}
        self._model = read(environ=moved)
        self._inner = {one["ports"][0].split(":")[2]: name for name, one in plain.items() if "ports" in one}
        self._ops = {name: free_port() for name in plain}

    def url(self, name: str) -> str:
        """Where a published service answers."""
        return f"http://127.0.0.1:{self.ports[name]}"

    def up(self) -> None:
        """Start what does not run, run what runs once: as `docker compose up` does."""
        for wave in compose_rules.waves(self._model):
            self._together([name for name in wave if name not in self.without])

    def _together(self, names: list[str]) -> None:
        once = [name for name in names if compose_rules.once(self._model["services"][name])]
        missing = [name for name in names if name not in once and not self._runs(name)]
        for name in missing:
            self.servers[name] = self._server(name)
            self.servers[name].spawn()
        for name in missing:
            self.servers[name].wait_healthy(READY_S)
            assert self._runs(name), f"{name} is played by somebody else"
        self.said |= {name: self.run(name) for name in once}

    def _runs(self, name: str) -> bool:
        return name in self.servers and self.servers[name].alive

    def crash(self, name: str) -> None:
        """SIGKILL everything in a container."""
        os.killpg(self.servers[name].pid, signal.SIGKILL)
        self.servers[name].kill()  # collects it

    def down(self) -> dict[str, int | None]:
        """Stop wave by wave in reverse order; exit codes."""
        with ThreadPoolExecutor() as pool:
            for wave in reversed(compose_rules.waves(self._model)):
                list(pool.map(Server.stop, [self.servers[name] for name in wave if name in self.servers]))
        return {name: server.exit_code for name, server in self.servers.items()}

    def run(self, name: str, *command: str) -> str:
        """A one-shot service to its end; its output."""
        words = command or tuple(self._model["services"][name]["command"])
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", *words],
            env={**self._environment(name), "CDMX_STATE_DIR": str(self.folder / "volumes")},
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=STEP_S,
        )
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
        return done.stdout

    def _server(self, name: str) -> Server:
        health = _HEALTH.search(" ".join(self._model["services"][name]["healthcheck"]["test"]))
        assert health, name
        port = self._ops[name] if health["port"] == _OPS else self.ports[self._inner[health["port"]]]
        return Server(
            name=name,
            argv=self._command(name),
            url=f"http://127.0.0.1:{port}",
            health=health["path"],
            env=self._environment(name),
            log=self.folder / "logs" / f"{name}.log",
            cwd=ROOT,
            grace_s=60.0,
        )

    def _command(self, name: str) -> list[str]:
        """What the image's CMD says."""
        if name == "ministack":
            return [str(TOOLS / "ministack" / "bin" / "python"), "-m", "local.compose.emulator"]
        if name == "oidc":
            return ["node", str(self._provider()), str(self.folder / "volumes" / "identity" / "oidc.json")]
        args = self._model["services"][name]["build"].get("args", {})
        module = args.get("MODULE") or (f"services.{args['SERVICE']}" if args else name)
        return [sys.executable, "-m", module]

    def _provider(self) -> Path:
        """The program beside its packages; its settings, as handed out, on this machine's port and loopback."""
        oidc.install()
        program = TOOLS / oidc.NAME / "server.mjs"
        shutil.copy(ROOT / "local" / "oidc" / "server.mjs", program)
        file = self.folder / "volumes" / "identity" / "oidc.json"
        settings = json.loads(file.read_text())
        assert (settings["bind"], str(settings["port"])) == ("0.0.0.0", "8600")
        file.write_text(json.dumps({**settings, "bind": "127.0.0.1", "port": self.ports["oidc"]}))
        return program

    def _environment(self, name: str) -> dict[str, str]:
        service = self._model["services"][name]
        given = service.get("environment", {})
        mapped = {key: self._mapped(key, str(value), service, name) for key, value in given.items()}
        return {"PATH": os.environ["PATH"], "CDMX_STATE_DIR": str(self.folder / "volumes"), **mapped}

    def _mapped(self, key: str, value: str, service: Mapping[str, Any], name: str) -> str:
        if value == "0.0.0.0" or key == "MINISTACK_HOST":
            return "127.0.0.1"
        if key in {"CDMX_PREFIX", "TWIN_MEDIA_BUCKET", "TWIN_WITNESS_QUEUE", "TWIN_TRANSCRIBE_QUEUE"}:
            return value.replace("local-", self.prefix)  # OpenSearch is shared with other tests
        if key == "CDMX_OPS_PORT":
            return str(self._ops[name])
        if key in {"CDMX_PORT", "TWIN_PORT", "GATEWAY_PORT"}:
            return str(self.ports[self._inner[value]])
        for volume, target in (one.split(":")[:2] for one in service.get("volumes", [])):
            if value == target or value.startswith(f"{target}/"):
                return str(self.folder / "volumes" / volume) + value.removeprefix(target)
        return _ADDRESS.sub(self._address, value)

    def _address(self, found: re.Match[str]) -> str:
        """A name of the compose network, or a loopback that two containers share, as it is reached here."""
        inner = self._inner.get(found["port"])
        if inner is None:
            return found[0]  # published: it has this machine's port already
        assert found["host"] in {inner, "127.0.0.1"}, found[0]
        return self.opensearch if inner == "opensearch" else self.url(inner)
