"""The ops port: /healthz (is it alive), /readyz (may it get work), /metrics (Prometheus text)."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], bool]
_DOWN = 503


@dataclass(slots=True)
class Health:
    """Named checks. A name says what is wrong when its check is false."""

    live: dict[str, Check] = field(default_factory=dict)
    ready: dict[str, Check] = field(default_factory=dict)


class OpsServer:
    """Serves a process's health and metrics.

    Args:
        bind: address to listen on.
        port: 0 = any free one.
        health: the checks. registry: the metrics.
    """

    def __init__(self, bind: str, port: int, health: Health, registry: CollectorRegistry) -> None:
        self._bind = bind
        self._port = port
        self._health = health
        self._registry = registry
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen; answers the base URL. Raises OSError where the port is taken."""
        app = web.Application()
        app.router.add_get("/healthz", self._checked(self._health.live))
        app.router.add_get("/readyz", self._checked(self._health.ready))
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._bind, self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Close the port."""
        if self._runner is not None:
            await self._runner.cleanup()

    @staticmethod
    def _checked(checks: Mapping[str, Check]) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            results = {name: check() for name, check in checks.items()}
            status = 200 if all(results.values()) else _DOWN
            body = orjson.dumps({"ok": status != _DOWN, "checks": results})
            return web.Response(body=body, status=status, content_type="application/json")

        return answer

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )
