"""uvicorn inside our own event loop: the process's signals and lifetime stay with the composition root."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: SIGTERM must first drain the worker and close the streams."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signal."""
        yield


class HttpServer:
    """One listening API.

    Args:
        app: the ASGI application.
        host: address to bind. port: 0 takes a free one.
        drain_s: how long requests in flight may take after the stop.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, drain_s: int = 10) -> None:
        self._socket = socket.create_server((host, port), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=drain_s,
            ws="none",
        )
        self._server = _Server(config)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set; then accept nothing more and end when the requests in flight have."""
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        asked = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([serving, asked], return_when=asyncio.FIRST_COMPLETED)
            self._server.should_exit = True
            await serving
        finally:
            asked.cancel()
            serving.cancel()
