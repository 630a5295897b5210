"""The whole system on this machine, as one object.

    async with System() as system:                      # free ports, a temporary folder, removed at the end
        system.urls["desk"], system.urls["twin"]        # base URLs by name; also system.ports["ops-ingest"]
        system.env                                      # environment for commands and clients: AWS_*, CDMX_*
        system.token("agent")                           # a fresh bearer token; clients in local.secrets.CLIENTS
        await system.open_newsroom()                    # two signed webhook destinations and their routes
        system.kill("ingest")                           # SIGKILL, as a crash; returns at once
        await system.restart("ingest")                  # start it again (SIGTERM first if it runs), wait until ready
        system.pid("ingest"), system.alive("ingest"), system.log("ingest")

`make up`, the end-to-end tests, chaos, conformance and bench are all made of this. Names: local.plan.NAMES.
"""

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from local import newsroom, recovery, secrets, setup, tokens
from local import ports as port_table
from local.engines import clamd, ministack, oidc, opensearch
from local.install import Say, silent
from local.paths import reachable
from local.plan import ACCOUNT, ENGINES, REGION, SERVICES, TWIN, WABA, Plan
from local.process import Server, free_port
from local.provision import Provisioned, beside, clients, environment_clients, link_account, provision

_SERVICE_READY_S = 90.0
_WATCH_S = 0.5
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # a process that lived this long starts again at once
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/whatsapp-events"


class System:
    """Everything of local.plan.NAMES as child processes of this one.

    Args:
        state: folder of its data; None = a temporary one that `stop` removes.
        ports: row of local.ports to port; None = free ones.
        say: told of each step.
        opensearch_url: use this server instead of starting one (sharing it saves seconds; the indices'
            names then need a prefix of their own).
        prefix: prefix of every resource.
        extra: further environment of every process, for example settings under test. An `AWS_ENDPOINT_URL_SQS`
            in it stands for three engines beside the emulator (with those of DynamoDB and S3): they get the
            queues, tables and buckets, and somebody must carry to them what the topics bring to the emulator's.
        own: further environment of single programs, by name.
        without: names that are not started (they can be, later, with `restart`).
    """

    def __init__(
        self,
        state: Path | None = None,
        ports: Mapping[str, int] | None = None,
        *,
        say: Say = silent,
        opensearch_url: str | None = None,
        prefix: str = "local-",
        extra: Mapping[str, str] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
        without: tuple[str, ...] = (),
    ) -> None:
        self._temporary = state is None
        self.state = state or _temporary_folder()
        self.ports = dict(ports or {row: free_port() for row in port_table.DEFAULTS})
        self._say = say
        self._given_opensearch = opensearch_url
        self._without = without
        self.secrets = secrets.ensure(self.state)
        url = opensearch_url or f"http://127.0.0.1:{self.ports['opensearch']}"
        further = dict(extra or {}), dict(own or {})
        self.plan = Plan(self.state, self.ports, self.secrets, prefix, url, *further)
        self._servers: dict[str, Server] = {}
        self._meant_to_run: dict[str, float] = {}
        self._falls: dict[str, int] = {}
        self.provisioned: Provisioned | None = None
        self.recovered: str | None = None

    def _describe(self) -> dict[str, Server]:
        """Every process, in starting order."""
        plan, data = self.plan, self.state
        found = {"ministack": ministack.server(self.ports["ministack"], data / "ministack")}
        if self._given_opensearch is None:
            found["opensearch"] = opensearch.server(self.ports["opensearch"], data / "opensearch")
        found["clamd"] = clamd.server(0, data / "clamd")
        found["oidc"] = oidc.server(
            self.ports["oidc"], data / "oidc", made=self.secrets, console=plan.url("console")
        )
        found[TWIN] = plan.twin()
        found |= {program.name: plan.service(program) for program in SERVICES}
        for name, server in found.items():
            server.log = plan.log(name)
        return found

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs: ministack, opensearch, oidc, twin, desk, search, and `ops-<service>`."""
        return {row: self.plan.url(row) for row in self.ports} | {"opensearch": self.plan.opensearch}

    @property
    def env(self) -> dict[str, str]:
        """Environment in which a command or client reaches this system."""
        return self.plan.environment()

    def clients(self, service: str) -> Any:
        """A boto3 client as the services have it."""
        return environment_clients(self.env)(service)

    def token(self, client: str = "agent") -> str:
        """A bearer token of one of local.secrets.CLIENTS."""
        return tokens.fetch(self.plan.url("oidc"), client, self.secrets.clients[client])

    async def open_newsroom(self) -> None:
        """Two destinations and their routes, through the desk's API as an editor would (local.newsroom)."""
        twin, desk = self.plan.url("twin"), self.plan.url("desk")
        await newsroom.open_newsroom(twin, desk, self.token("editor"), self.secrets)

    def pid(self, name: str) -> int:
        """Process id of a part."""
        return self._servers[name].pid

    def alive(self, name: str) -> bool:
        """Whether a part runs."""
        return self._servers[name].alive

    def log(self, name: str) -> Path:
        """A part's log file."""
        return self.plan.log(name)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start all, in health order. Raises Trouble; what had started is stopped then."""
        try:
            await self._start_all()
        except BaseException:
            await self.stop()
            raise

    async def _start_all(self) -> None:
        names = tuple(engine.NAME for engine in setup.RUNNING)
        await asyncio.to_thread(setup.install, names, self._say)
        self._servers = self._describe()
        unsaved = recovery.forget_unsaved(self._emulator)
        await self._bring_up([name for name in ENGINES if name in self._servers])
        await self._start_upon_engines(unsaved=unsaved)

    @property
    def _emulator(self) -> Path:
        return self.state / "ministack"

    async def _start_upon_engines(self, *, unsaved: bool) -> None:
        """All but the engines; first fills an emulator that lost its state.

        Args:
            unsaved: it died without saving.
        """
        recovery.mark_running(self._emulator)
        await asyncio.to_thread(self._provision)
        if unsaved:
            await asyncio.to_thread(recovery.drop_search, self.plan.opensearch, self.plan.prefix)
        await self._bring_up([TWIN])
        if TWIN not in self._without:
            await asyncio.to_thread(self._link)
        await self._bring_up([program.name for program in SERVICES])
        self.recovered = await recovery.replay(self.env) if unsaved else None

    def _provision(self) -> None:
        made = clients(self.plan.url("ministack"), REGION)
        self.provisioned = provision(made, self.plan.prefix, ACCOUNT, self.secrets.pepper, REGION)
        if self.env["AWS_ENDPOINT_URL_SQS"] != self.env["AWS_ENDPOINT_URL_SNS"]:
            beside(self.clients, self.plan.prefix, ACCOUNT, REGION)
        self._say("temas, colas, tablas, cubetas y llave / topics, queues, tables, buckets and key")

    def _link(self) -> None:
        if self.provisioned is None:
            raise RuntimeError("the account is linked after provisioning")
        twin = self.clients("socialmessaging")
        topic = self.provisioned.topics["whatsapp-events"]
        link_account(twin, f"waba-{WABA}", topic, _ROLE)

    async def _bring_up(self, names: list[str]) -> None:
        """Start these together and wait until each is ready."""
        wanted = [name for name in names if name not in self._without]
        for name in wanted:
            self._spawn(name)
        await asyncio.gather(*(self._ready(name) for name in wanted))

    def _spawn(self, name: str) -> None:
        self._servers[name].spawn()  # in the main thread: a child dies with the thread that started it
        self._meant_to_run[name] = time.monotonic()
        self._write_pids()

    async def _ready(self, name: str) -> None:
        began = time.monotonic()
        limit = opensearch.READY_S if name == "opensearch" else _SERVICE_READY_S
        await asyncio.to_thread(self._servers[name].wait_healthy, limit)
        self._say(f"{name} listo / ready · {time.monotonic() - began:.1f} s")

    def _write_pids(self) -> None:
        pids = {name: server.pid for name, server in self._servers.items() if server.alive}
        (self.state / "pids.json").write_text(json.dumps(pids))

    def kill(self, name: str) -> int:
        """SIGKILL a part, as a crash; its pid. It stays dead until `restart`, or `supervise` finds it."""
        pid = self._servers[name].pid
        self._servers[name].kill()
        return pid

    async def restart(self, name: str) -> None:
        """Stop a part if it runs, start it, wait until it is ready."""
        await asyncio.to_thread(self._servers[name].stop)
        self._spawn(name)
        await self._ready(name)

    async def stop_part(self, name: str) -> bool:
        """SIGTERM a part and wait. True = it drained and ended by itself."""
        self._meant_to_run.pop(name, None)
        return await asyncio.to_thread(self._servers[name].stop)

    async def supervise(
        self, fell: Callable[[str, int | None], None], refilled: Callable[[], Awaitable[None]]
    ) -> None:
        """Start again whatever falls, until cancelled. After the emulator's fall all else starts anew upon it.

        Args:
            fell: told of each fall: name and exit code, negative = the signal.
            refilled: called once the emulator was filled again; `recovered` says how.
        """
        while True:
            await asyncio.sleep(_WATCH_S)
            for name in [name for name in self._meant_to_run if not self._servers[name].alive]:
                fell(name, self._servers[name].exit_code)
                if name == "ministack":
                    await self._refill()
                    await refilled()
                    break
                await self._raise_again(name)

    async def _refill(self) -> None:
        """The emulator died unsaved: what stands upon it stops, it starts empty and is filled again."""
        await self._stop_all(program.name for program in SERVICES)
        await self.stop_part(TWIN)
        recovery.forget_unsaved(self._emulator)
        await self._bring_up(["ministack"])
        await self._start_upon_engines(unsaved=True)

    async def _raise_again(self, name: str) -> None:
        """Start a fallen part, the later the oftener it fell lately."""
        if time.monotonic() - self._meant_to_run[name] > _STEADY_S:
            self._falls[name] = 0
        falls = self._falls.get(name, 0)
        self._falls[name] = falls + 1
        await asyncio.sleep(_BACKOFF_S[min(falls, len(_BACKOFF_S) - 1)])
        self._spawn(name)

    async def _stop_all(self, names: Iterable[str]) -> None:
        await asyncio.gather(*(self.stop_part(name) for name in names if name in self._servers))

    async def stop(self) -> None:
        """Stop all in reverse order of starting; each service drains first."""
        await self._stop_all(program.name for program in SERVICES)
        for name in (TWIN, *reversed(ENGINES)):
            await self._stop_all([name])
        (self.state / "pids.json").unlink(missing_ok=True)
        if self._temporary:
            shutil.rmtree(self.state, ignore_errors=True)
            shutil.rmtree(reachable(self.state / "opensearch"), ignore_errors=True)
            clamd.remove(self.state / "clamd")


def _temporary_folder() -> Path:
    """Open to the user that OpenSearch runs as; the secrets in it are not."""
    folder = Path(tempfile.mkdtemp(prefix="cdmx-system-"))
    folder.chmod(0o755)
    return folder
