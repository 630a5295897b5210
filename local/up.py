"""`make up`: sets up, starts the whole system, plays a short morning, says where to look, stays until Ctrl-C."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Mapping
from typing import Any

import httpx
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from local import audit, demo, ports, preflight, recovery, setup, trouble
from local.paths import STATE
from local.plan import NAMES
from local.system import System

_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def where_to_look(urls: Mapping[str, str]) -> str:
    """The last words: pages, a token, three calls."""
    return f"""[bold]Teléfono del cliente / customer's phone[/]   {urls["twin"]}/phone
[bold]Mesa / desk API[/]                           {urls["desk"]}/v1
[bold]Búsqueda / search[/]                         {urls["search"]}/v1/search
[bold]Registros / logs[/]                          .local/logs/

TOKEN=$(.venv/bin/python -m local.tokens agent)
curl -H "Authorization: Bearer $TOKEN" {urls["desk"]}/v1/conversations
curl -H "Authorization: Bearer $TOKEN" "{urls["search"]}/v1/search?q=sismo"
curl -N -H "Authorization: Bearer $TOKEN" {urls["desk"]}/v1/stream

Ctrl-C: vacía las colas, guarda y detiene todo / drains, saves and stops everything"""


class Supervisor:
    """One run of `make up`.

    Args:
        console: where it talks.
        environ: chooses ports, and whether the demo plays (DEMO=0: not).
    """

    def __init__(self, console: Console, environ: Mapping[str, str]) -> None:
        self._console = console
        self._environ = environ

    async def run(self) -> None:
        """From the first check to the last stopped process. Raises Trouble."""
        wanted = ports.chosen(self._environ)
        for name in preflight.stop_leftovers(STATE):
            self._say(f"se detuvo lo que quedaba / stopped a leftover: {name}")
        preflight.check_tools()
        setup.need_room(STATE, setup.DATA_NEEDS)
        preflight.check_ports({row: port for row, port in wanted.items() if row != "console"})
        system = System(STATE, wanted, say=self._say)
        stop = self._stop_event()
        try:
            if await self._until(stop, self._start(system)):
                await self._until(stop, self._live(system))
        finally:
            with self._console.status(
                "deteniendo: los servicios terminan lo que tienen / draining and stopping"
            ):
                await system.stop()
            self._console.print("[green]✓[/] detenido y guardado / stopped and saved")

    def _stop_event(self) -> asyncio.Event:
        stop = asyncio.Event()
        for number in _STOPS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return stop

    async def _until(self, stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
        """Do the work unless stopped before; True = it was done. Raises what the work raises."""
        doing, waiting = asyncio.create_task(work), asyncio.create_task(stop.wait())
        done, pending = await asyncio.wait([doing, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if doing in done:
            doing.result()
        return doing in done

    async def _start(self, system: System) -> None:
        with self._console.status(f"arrancando {len(NAMES)} procesos / starting"):
            await system.start()

    async def _furnish(self, system: System) -> None:
        """Destinations and routes; and what an emulator that died unsaved has lost."""
        await system.open_newsroom()
        if system.recovered is not None:
            text = Text("\n".join((*recovery.LOST, system.recovered)))
            self._console.print(Panel(text, title="recuperación / recovery", border_style="yellow"))

    async def _live(self, system: System) -> None:
        watching = asyncio.create_task(system.supervise(self._fell, lambda: self._furnish(system)))
        try:
            await self._furnish(system)
            if self._environ.get("DEMO") != "0":
                await self._demo(system)
            self._console.rule("WhatsApp CDMX")
            self._console.print(where_to_look(system.urls), soft_wrap=True, highlight=False)
            await watching
        finally:
            watching.cancel()

    async def _demo(self, system: System) -> None:
        """A demo that breaks off is said; the system stays up."""
        try:
            token = await asyncio.to_thread(system.token)
            await demo.play(system.urls, token, self._console)
            with self._console.status("auditoría / audit"):
                well, output = await audit.verdict(system.env, token)
            self._console.print(
                f"[{'green' if well else 'red'}]{output.splitlines()[-1]}[/]", highlight=False
            )
        except httpx.HTTPError as error:
            self._console.print(f"[red]✗[/] demo: {error}")

    def _fell(self, name: str, code: int | None) -> None:
        self._console.print(
            f"[red]✗[/] {name} cayó (código {code}); se levanta de nuevo / fell, being restarted. .local/logs/{name}.log"
        )

    def _say(self, line: str) -> None:
        self._console.print(f"[green]✓[/] {line}", highlight=False)


def main() -> None:
    """Run, or say what stands in the way."""
    console = Console()
    try:
        with preflight.lock(STATE):
            asyncio.run(Supervisor(console, os.environ).run())
    except trouble.Trouble as problem:
        console.print(Panel(Text(str(problem)), border_style="red", title="make up"))
        sys.exit(1)
    except OSError as error:
        if not trouble.is_disk_full(error):
            raise
        console.print(Panel(Text(str(trouble.disk_full(STATE))), border_style="red", title="make up"))
        sys.exit(1)


if __name__ == "__main__":
    main()
