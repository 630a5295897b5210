"""`cdmx import`: the command's options, its progress, and what it says."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops.imports import report
from ops.imports.dates import Order
from ops.imports.journal import Journal, run_id
from ops.imports.journal import Progress as Run
from ops.imports.names import MapError, Names, read_map_file, read_names
from ops.imports.persons import Book, Persons
from ops.imports.plan import Options, Planned, plan
from ops.imports.ports import TROUBLE, Ports
from ops.imports.reasons import BadFileError
from ops.imports.run import Importer
from ops.imports.undo import NoRunError, undo
from services.ingest.compose import NAME
from services.ingest.settings import IngestSettings
from shared import topology
from shared.clock import Clock, SystemClock
from shared.record.build import build
from shared.record.imported import Imports
from shared.service import App
from shared.settings import SettingsError, load

_BAD = 2
_STOPPED = 3
_err = Console(stderr=True)


def import_command(
    files: Annotated[
        list[Path] | None, typer.Argument(help="ZIP o texto exportado, o JSON de whatsapp-chat-exporter.")
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Solo cuenta; no escribe nada.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Resultado en JSON.")] = False,
    me: Annotated[
        list[str] | None, typer.Option("--me", help="Nombre de la redacción en los chats; se puede repetir.")
    ] = None,
    mapped: Annotated[
        list[str] | None, typer.Option("--map", help="Nombre=+52..., Nombre=yo o Nombre=Otro nombre.")
    ] = None,
    map_file: Annotated[Path | None, typer.Option("--map-file", help="Lo mismo, uno por línea.")] = None,
    tz: Annotated[
        str, typer.Option("--tz", help="Zona horaria del teléfono que exportó.")
    ] = "America/Mexico_City",
    day_first: Annotated[bool, typer.Option("--day-first", help="Fechas día/mes.")] = False,
    month_first: Annotated[bool, typer.Option("--month-first", help="Fechas mes/día.")] = False,
    year_first: Annotated[bool, typer.Option("--year-first", help="Fechas año/mes/día.")] = False,
    group: Annotated[
        bool, typer.Option("--group", help="Son grupos, aunque solo escriban dos personas.")
    ] = False,
    title: Annotated[
        str, typer.Option("--title", help="Nombre de la persona o del grupo, si el archivo no lo dice.")
    ] = "",
    number: Annotated[
        str, typer.Option("--number", help="Nuestro número, por su id de Meta; sin él, el único.")
    ] = "",
    keep_rejects: Annotated[
        bool,
        typer.Option("--keep-rejects", help="Las líneas rechazadas quedan como texto del mensaje anterior."),
    ] = False,
    undone: Annotated[str, typer.Option("--undo", help="Deshace la importación de este nombre.")] = "",
) -> None:
    """Importa chats exportados de WhatsApp; con --dry-run solo dice qué pasaría."""
    if undone:
        _finish(_stores(lambda: _undo(undone, SystemClock())), as_json=as_json)
        return
    if not files:
        _bad("diga qué archivos importar")
    orders: list[Order] = [name for name, said in _orders(day_first, month_first, year_first) if said]
    if len(orders) > 1:
        _bad("diga solo uno: --day-first, --month-first o --year-first")
    clock = SystemClock()
    try:
        entries = [*(read_map_file(map_file) if map_file else ()), *(mapped or ())]
        names = read_names(entries, me or ())
        zone = ZoneInfo(tz)
    except MapError as error:
        _bad(str(error))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _bad(f"--tz {tz}: no es una zona horaria; por ejemplo America/Mexico_City o America/Tijuana")
    today = datetime.fromtimestamp(clock.now_ms() / 1000, zone).date()
    options = Options(
        zone, today, names, orders[0] if orders else None, True if group else None, title, keep_rejects
    )
    planned = plan(files, options)
    code = report.exit_code(planned, writing=not dry_run)
    stops = code == _BAD or (code and not keep_rejects)
    if dry_run or stops:
        _say(
            planned,
            zone,
            {"dry_run": True} if dry_run else {"dry_run": False, "written": False},
            as_json=as_json,
        )
        if not dry_run and code == 1:
            _err.print(
                "no se escribió nada: corrija las líneas rechazadas o repita con --keep-rejects", style="red"
            )
        raise typer.Exit(code)
    settings = [repr(options.order), tz, repr(names), title, repr(group), repr(keep_rejects)]
    done = _stores(lambda: _write(files, settings, planned, names, number, clock))
    _say(planned, zone, {"dry_run": False, "written": True, **done}, as_json=as_json)
    _finish(done, as_json=as_json, quiet=as_json)


def _orders(day: bool, month: bool, year: bool) -> list[tuple[Order, bool]]:  # noqa: FBT001 - flags of a command
    return [("day-first", day), ("month-first", month), ("year-first", year)]


async def _write(
    files: Sequence[Path],
    settings: Sequence[str],
    planned: Sequence[Planned],
    names: Names,
    number: str,
    clock: Clock,
) -> dict[str, Any]:
    """The writing run over the environment's system."""
    async with AsyncExitStack() as stack:
        config = load(IngestSettings)
        pnid = _number(number, config)
        ports = await _ports(config, stack, clock)
        run = run_id(files, pnid, *settings)
        journal = Journal(ports.exports, run)
        progress = await journal.read()
        if progress is None or progress.state == "undone":
            progress = Run(run)
        book = await Book.read(ports.store, ports.record.people)
        persons = Persons(pnid, names, book, config.bsuid_scope)
        total = sum(each.tally.entries for each in planned)
        started, before = clock.now_ms(), Counter(progress.counts)
        with _bar("importando", total, sum(progress.done.values())) as advanced:
            importer = Importer(ports, pnid, names, persons, journal, progress, advanced)
            await importer.run(planned)
        written = Counter(progress.counts) - before
        seconds = max(0.001, (clock.now_ms() - started) / 1000)
        return {
            "run": run,
            "outcomes": dict(written),
            "unmatched": importer.unmatched,
            "seconds": round(seconds, 3),
            "messages_per_second": round(written.total() / seconds, 1),
        }


async def _undo(run: str, clock: Clock) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        ports = await _ports(load(IngestSettings), stack, clock)
        with _bar("deshaciendo", None, 0) as advanced:
            progress = await undo(ports, Journal(ports.exports, run), run, advanced)
        return {"run": run, "outcomes": progress.counts}


async def _ports(config: IngestSettings, stack: AsyncExitStack, clock: Clock) -> Ports:
    app = App("import", config, stack, clock)
    store, pepper = await app.store(), await app.pepper()
    raw = await app.objects(topology.RAW_BUCKET)
    record = build(
        store,
        raw,
        await app.keys(),
        pepper,
        clock,
        app.ids,
        service=NAME,
        retention_days=config.retention_days,
    )
    imports = Imports(store, record.people, record.reader, record.sealing, clock, app.ids, NAME)
    media, exports = await app.objects(topology.MEDIA_BUCKET), await app.objects(topology.EXPORTS_BUCKET)
    return Ports(store, media, exports, await app.bus(), record, imports, pepper, clock, app.ids)


def _number(number: str, config: IngestSettings) -> str:
    known = list(config.numbers)
    if number in known:
        return number
    if number or len(known) != 1:
        raise BadFileError(
            f"--number: diga uno de nuestros números por su id de Meta: {', '.join(known) or 'CDMX_NUMBERS está vacío'}"
        )
    return known[0]


def _stores(call: Any) -> dict[str, Any]:
    """Run against the system; what stops it is said with what helps."""
    try:
        found: dict[str, Any] = asyncio.run(call())
    except (SettingsError, BadFileError, NoRunError) as error:
        _bad(str(error))
    except TROUBLE as error:
        _err.print(
            f"se interrumpió ({type(error).__name__}): repita la misma orden y sigue donde quedó", style="red"
        )
        raise typer.Exit(_STOPPED) from None
    return found


def _say(planned: Sequence[Planned], zone: ZoneInfo, more: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**report.facts(planned, zone), **more}, ensure_ascii=False))
        return
    for line in report.lines(planned, zone):
        print(line)


def _finish(done: dict[str, Any], *, as_json: bool, quiet: bool = False) -> None:
    """The last line: what became of the run, and its name."""
    if quiet:
        return
    if as_json:
        print(json.dumps(done, ensure_ascii=False))
        return
    for name in done.get("unmatched", ()):
        print(
            f"sin número en la libreta: {name} (queda con ese nombre; --map «{name}=+52...» lo une después)"
        )
    outcomes = (
        ", ".join(f"{count} {name}" for name, count in sorted(done["outcomes"].items())) or "nada nuevo"
    )
    rate = f", {done['messages_per_second']} mensajes/s" if "messages_per_second" in done else ""
    print(f"import {done['run']}: {outcomes}{rate}")


class _bar:  # noqa: N801 - a context manager
    """A bar on standard error; answers what to call with each number done."""

    def __init__(self, words: str, total: int | None, done: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=_err, transient=True)
        self._task = self._progress.add_task(words, total=total, completed=done)

    def __enter__(self) -> Any:
        self._progress.start()
        return lambda count: self._progress.advance(self._task, count)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _bad(why: str) -> NoReturn:
    _err.print(why, style="red", markup=False)
    raise typer.Exit(_BAD)
