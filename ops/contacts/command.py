"""`cdmx contacts`: the command's options and what it says."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from ops.contacts.numbers import HOME
from ops.contacts.run import Contacts, Tally, UnknownFormatError
from services.ingest.compose import NAME
from services.ingest.settings import IngestSettings
from shared import topology
from shared.clock import SystemClock
from shared.record.build import Record, build
from shared.record.inbound import Origin
from shared.record.parting import NotMergedError
from shared.service import App
from shared.settings import SettingsError, load

app = typer.Typer(help="La libreta de direcciones.", no_args_is_help=True)
_BAD = 2


@app.command("import")
def import_command(
    files: Annotated[list[Path], typer.Argument(help="vCard (.vcf) o CSV de Google.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Solo cuenta; no escribe nada.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Resultado en JSON.")] = False,
    country: Annotated[
        str, typer.Option("--country", help="Clave de país de los números que no la tienen.")
    ] = HOME,
) -> None:
    """Pone a cada número el nombre con que la redacción lo conoce; otra vez no cambia nada.

    Termina en 0 solo si nada se rechazó.
    """
    try:
        tally = asyncio.run(_take(files, country, dry=dry_run))
    except (UnknownFormatError, OSError, SettingsError) as error:
        _stop(str(error))
    _say(tally, as_json=as_json)
    raise typer.Exit(1 if tally.rejects else 0)


@app.command("unmerge")
def unmerge_command(
    contact_id: Annotated[
        str, typer.Argument(help="El contacto que se unió a otro sin ser la misma persona.")
    ],
) -> None:
    """Separa a dos personas que se tomaron por una; ya no se vuelven a unir solas."""
    try:
        asyncio.run(_part(contact_id))
    except NotMergedError:
        _stop("Ese contacto no está unido a ningún otro: revise el identificador (p_...).")
    except SettingsError as error:
        _stop(str(error))
    print(f"contacts: {contact_id} is a person of its own again")


async def _take(files: list[Path], country: str, *, dry: bool) -> Tally:
    async with AsyncExitStack() as stack:
        app_ = App("contacts", load(IngestSettings), stack, SystemClock())
        record = await _record(app_)
        return await Contacts(await app_.store(), record.people, app_.clock).take(files, country, dry=dry)


async def _part(contact_id: str) -> None:
    async with AsyncExitStack() as stack:
        app_ = App("contacts", load(IngestSettings), stack, SystemClock())
        record = await _record(app_)
        await record.parting.unmerge(contact_id, Origin("cdmx-contacts-unmerge", 0, app_.clock.now_ns()))


async def _record(app_: App[IngestSettings]) -> Record:
    """The record; its events stand in ingest's outbox, which the running ingest publishes."""
    raw = await app_.objects(topology.RAW_BUCKET)
    keys, pepper = await app_.keys(), await app_.pepper()
    return build(await app_.store(), raw, keys, pepper, app_.clock, app_.ids, service=NAME)


def _say(tally: Tally, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(tally.facts(), ensure_ascii=False))
        return
    for each in tally.rejects:
        print(f"línea {each.line}: {each.reason}", file=sys.stderr)
    print(tally.line())


def _stop(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", markup=False)
    raise typer.Exit(_BAD)
