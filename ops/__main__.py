"""`cdmx`: the operators' command line."""

import asyncio
import importlib.util
import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from ops import keeping
from ops.contacts.command import app as contacts_app
from ops.imports.command import import_command
from ops.replay import RefusedError, Tally, replay
from shared.settings import SettingsError

app = typer.Typer(help="WhatsApp CDMX: operación.", no_args_is_help=True, add_completion=False)
app.command("import")(import_command)
app.command("erase")(keeping.erase)
app.command("reconcile")(keeping.reconcile)
app.add_typer(keeping.retention_app, name="retention")
app.add_typer(keeping.hold_app, name="hold")
app.add_typer(contacts_app, name="contacts")
AUDITOR = "twin.audit"


@app.callback()
def cdmx() -> None:
    """Órdenes de operación; cada una dice en su última línea en qué terminó."""


@app.command("replay")
def replay_command(
    *,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Reparte también lo que esta corrida guarda por primera vez.")
    ] = False,
    since: Annotated[
        datetime | None, typer.Option("--since", help="Desde este momento, UTC (2026-11-24T08:00:00).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Resultado en JSON.")] = False,
) -> None:
    """Vuelve a leer el archivo crudo; lo que ya está guardado no cambia."""
    moment = since.replace(tzinfo=UTC) if since else None
    try:
        tally = asyncio.run(replay(moment, deliver=deliver))
    except (RefusedError, SettingsError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    _say(tally, as_json=as_json)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def audit(context: typer.Context) -> None:
    """Compara lo ocurrido afuera con lo guardado; lo hace el auditor, que no comparte código con el producto."""
    if importlib.util.find_spec(AUDITOR.partition(".")[0]) is None:
        Console(stderr=True).print(
            "El auditor no está instalado aquí: las imágenes de producción no lo llevan. Instale el extra `twin`.",
            style="red",
        )
        raise typer.Exit(2)
    done = subprocess.run([sys.executable, "-m", AUDITOR, *context.args], check=False)  # noqa: S603 - an operator's own words
    raise typer.Exit(done.returncode)


def _say(tally: Tally, *, as_json: bool) -> None:
    print(json.dumps(tally.facts()) if as_json else tally.line())


def main() -> None:
    """Entry point of `cdmx` and `python -m ops`."""
    app()


if __name__ == "__main__":
    main()
