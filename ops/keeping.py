"""`cdmx retention|hold|erase|reconcile`: what the keeper goes by, and what it is asked for."""

import asyncio
import getpass
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from services.desk.audit import AuditLog
from services.ingest.compose import ingest
from services.ingest.keeper.adapters.opensearch import OpenSearchPlace
from services.ingest.keeper.looking import Looker
from services.ingest.keeper.settings import SERVICE, KeeperSettings
from services.ingest.keeper.slots import SLOT_S, Stage, slot_of, total
from services.ingest.origin import Ours
from shared import topology
from shared.clock import SystemClock
from shared.opensearch import open_search
from shared.record import retention
from shared.record.build import Record, build
from shared.record.erasure import NoContactError, Requests, day
from shared.record.holds import Holds, NoSubjectError
from shared.record.inbound import Alias, Person
from shared.record.ledger import Ledger
from shared.service import App
from shared.settings import SettingsError, load
from shared.store.port import Item, Store
from shared.whatsapp import identity

R = TypeVar("R")
_REFERENCE = re.compile(r"[\w./-]{1,64}", re.ASCII)
_LOOK_S = 5.0
_CHUNK_S = 600
_WAIT_S = 1800.0
_BAD = 2


class RefusedError(Exception):
    """It cannot be done as asked; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the commands work with; `by` = who gives them."""

    app: App[KeeperSettings]
    store: Store
    record: Record
    holds: Holds
    requests: Requests
    audit: AuditLog
    by: str


@asynccontextmanager
async def opened() -> AsyncIterator[Parts]:
    """Everything, over the environment's system."""
    settings = load(KeeperSettings)
    async with AsyncExitStack() as stack:
        app = App("cdmx", settings, stack, SystemClock())
        store, raw, pepper = await app.store(), await app.objects(topology.RAW_BUCKET), await app.pepper()
        record = build(store, raw, await app.keys(), pepper, app.clock, app.ids, service=SERVICE)
        holds = Holds(store, record.people, app.clock, app.ids, SERVICE)
        requests = Requests(store, record.people, app.clock, app.ids)
        audit = AuditLog(store, app.clock, app.ids)
        yield Parts(app, store, record, holds, requests, audit, f"cdmx:{getpass.getuser()}")


# --- retention


async def set_days(parts: Parts, kind: str, days: int) -> str:
    """Set a class's days. Raises BadRetentionError."""
    version = await retention.put(parts.store, kind, days, parts.by, parts.app.clock.now_ms())
    await parts.audit.record(parts.by, "retention.set", kind, {"days": days, "version": version})
    return f"retention: {kind} {days} días (versión {version}); cuenta desde que se guardó"


async def shown_days(parts: Parts) -> dict[str, int]:
    """Days by class."""
    rules = await retention.read(parts.store)
    return {kind: rules.of(kind) for kind in retention.CLASSES}


# --- holds


async def place_hold(parts: Parts, subject: str, reference: str, until: datetime | None) -> str:
    """Hold a contact or conversation. Raises RefusedError."""
    until_ms = int(until.timestamp() * 1000) if until else None
    try:
        hold_id = await parts.holds.place(subject, _case(reference), parts.by, until_ms)
    except NoSubjectError:
        raise RefusedError(f"{subject}: no hay tal persona ni conversación; use un id p_… o c_…") from None
    await parts.audit.record(parts.by, "hold.placed", subject, {"hold_id": hold_id})
    return hold_id


async def lift_hold(parts: Parts, hold_id: str) -> None:
    """End a hold. Raises RefusedError."""
    if not await parts.holds.lift(hold_id, parts.by):
        raise RefusedError(f"{hold_id}: no hay tal retención; véalas con `cdmx hold list`")
    await parts.audit.record(parts.by, "hold.lifted", hold_id)


# --- erasure


async def ask(parts: Parts, who: str, reference: str) -> str:
    """Ask for a person's erasure, by contact_id, number or user id. Raises RefusedError."""
    contact_id = who if who.startswith("p_") else await _known(parts, who)
    try:
        erasure_id = await parts.requests.ask(contact_id, _case(reference), parts.by)
    except NoContactError:
        raise RefusedError("no hay tal persona, o ya fue borrada") from None
    await parts.audit.record(parts.by, "erasure.asked", contact_id, {"erasure_id": erasure_id})
    return erasure_id


async def _known(parts: Parts, who: str) -> str:
    user_id, number = (who, None) if identity.is_bsuid(who) else (None, who.removeprefix("+"))
    named = identity.aliases([identity.Person(user_id, number)], parts.app.settings.bsuid_scope)
    found = await parts.record.people.find(Person(tuple(Alias(each.kind, each.value) for each in named)))
    if found is None:
        raise RefusedError("nadie con ese número o id; escríbalo con clave de país, p. ej. +52155…")
    return found


async def finished(parts: Parts, erasure_id: str, limit_s: float = _WAIT_S) -> Item:
    """The request once it is done or held back. Raises RefusedError, TimeoutError."""
    async with asyncio.timeout(limit_s):
        while True:
            item = await parts.requests.get(erasure_id)
            if item is None:
                raise RefusedError(f"{erasure_id}: no hay tal solicitud")
            if item["state"] in {"done", "held"}:
                return item
            await asyncio.sleep(_LOOK_S)


async def replayed(parts: Parts) -> int:
    """Ask again for every erasure of the ledger, as after a restore; how many."""
    raw = await parts.app.objects(topology.RAW_BUCKET)
    asked = [await parts.requests.again(subject) async for subject in Ledger(raw).entries()]
    return sum(asked)


# --- reconciliation


async def reconciled(parts: Parts, since: datetime, *, repair: bool) -> dict[Stage, int]:
    """Look at every slot from a moment on to half a minute ago; answers what each stage lacked."""
    looker = await _looker(parts)
    found: list[dict[Stage, frozenset[str]]] = []
    start, end = slot_of(int(since.timestamp() * 1000)), slot_of(parts.app.clock.now_ms()) - 3 * SLOT_S
    for at in range(start, end, _CHUNK_S):
        for keys in (await looker.keys(at, min(at + _CHUNK_S, end))).values():
            look = await looker.look(keys)
            found.append(look.seen.gaps())
            if repair and found[-1]:
                await looker.repair(look)
    return total(found)


async def _looker(parts: Parts) -> Looker:
    app, settings = parts.app, parts.app.settings
    client = await open_search(app, max_retries=2)
    ours = Ours.of(settings.wabas, settings.numbers, settings.connect_instances)
    raw, search = await app.objects(topology.RAW_BUCKET), OpenSearchPlace(client, settings.prefix)
    scope, bus = settings.bsuid_scope, await app.bus()
    return Looker(parts.store, raw, await ingest(app), search, bus, ours, scope, app.clock)


def _case(reference: str) -> str:
    """The case as the newsroom files it: never a name or number."""
    if not _REFERENCE.fullmatch(reference):
        raise RefusedError(
            "--ref: la clave del expediente, hasta 64 letras, dígitos, «/», «.» o «-»; sin nombres"
        )
    return reference


# --- the commands

retention_app = typer.Typer(help="Cuántos días se conserva cada clase.", no_args_is_help=True)
hold_app = typer.Typer(
    help="Retenciones legales: lo que cubren no se vence ni se borra.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json", help="Resultado en JSON.")]
Ref = Annotated[str, typer.Option("--ref", help="Clave del expediente; sin nombres ni números de personas.")]


@retention_app.command("show")
def retention_show(*, as_json: Json = False) -> None:
    """Los días de cada clase."""
    days = _run(shown_days)
    _say(days, "retention: " + ", ".join(f"{kind} {n} días" for kind, n in days.items()), as_json=as_json)


@retention_app.command("set")
def retention_set(kind: str, days: int) -> None:
    """Fija los días de una clase; 90 o más."""
    print(_run(lambda parts: set_days(parts, kind, days)))


@hold_app.command("place")
def hold_place(
    subject: Annotated[str, typer.Argument(help="contact_id (p_…) o conversation_id (c_…).")],
    *,
    reference: Ref,
    until: Annotated[
        datetime | None, typer.Option("--until", help="UTC; sin fecha, hasta que se levante.")
    ] = None,
) -> None:
    """Pone una retención; cubre también lo que llegue mientras dure."""
    moment = until.replace(tzinfo=UTC) if until else None
    print("hold: " + _run(lambda parts: place_hold(parts, subject, reference, moment)))


@hold_app.command("lift")
def hold_lift(hold_id: str) -> None:
    """Levanta una retención."""
    _run(lambda parts: lift_hold(parts, hold_id))
    print(f"hold: {hold_id} levantada")


@hold_app.command("list")
def hold_list(*, as_json: Json = False) -> None:
    """Las retenciones en pie."""
    items = _run(lambda parts: parts.holds.standing())
    names = ("sk", "subject", "reference", "by", "at", "until_ms")
    rows: list[dict[str, Any]] = [{name: item.get(name) for name in names} for item in items]
    for row in rows if not as_json else []:
        until = day(row["until_ms"]) if row["until_ms"] else "sin fecha"
        print(f"{row['sk']}  {row['subject']}  {row['reference']}  desde {day(row['at'])}  hasta {until}")
    _say(rows, f"hold: {len(rows)} en pie", as_json=as_json)


def erase(
    who: Annotated[str, typer.Argument(help="contact_id (p_…), número con clave de país, o user id.")] = "",
    *,
    reference: Ref = "",
    status: Annotated[
        str, typer.Option("--status", help="El recibo, o el avance, de una solicitud (e_…).")
    ] = "",
    replay: Annotated[
        bool,
        typer.Option(
            "--replay", help="Vuelve a borrar todo lo del registro: después de restaurar un respaldo."
        ),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Espera hasta que el recibo esté.")] = False,
    as_json: Json = False,
) -> None:
    """Borra a una persona de todos los lugares, con recibo; lo hace el proceso `keeper`."""
    if replay:
        print(f"erase: {_run(replayed)} borrados se repiten")
    elif status:
        look = finished if wait else _asked
        _told(_run(lambda parts: look(parts, status)), as_json=as_json)
    else:
        _told(_run(lambda parts: _erased(parts, who, reference, wait=wait)), as_json=as_json)


async def _asked(parts: Parts, erasure_id: str) -> Item:
    item = await parts.requests.get(erasure_id)
    if item is None:
        raise RefusedError(f"{erasure_id}: no hay tal solicitud")
    return item


async def _erased(parts: Parts, who: str, reference: str, *, wait: bool) -> Item:
    erasure_id = await ask(parts, who, reference)
    return await finished(parts, erasure_id) if wait else await _asked(parts, erasure_id)


def reconcile(
    *,
    since: Annotated[datetime, typer.Option("--since", help="Desde este momento, UTC.")],
    repair: Annotated[bool, typer.Option("--repair", help="Vuelve a traer lo que falte.")] = False,
    as_json: Json = False,
) -> None:
    """Compara por ranuras de 10 s lo recibido con lo guardado, indexado y repartido; sale 1 si falta algo."""
    moment = since.replace(tzinfo=UTC)
    lacking = _run(lambda parts: reconciled(parts, moment, repair=repair))
    line = "reconcile: " + ", ".join(f"{count} {stage}" for stage, count in lacking.items()) + " faltan"
    _say(lacking, line, as_json=as_json)
    raise typer.Exit(1 if any(lacking.values()) else 0)


def _told(item: Item, *, as_json: bool) -> None:
    facts = item.get("receipt") or {"erasure_id": item["sk"], "state": item["state"]}
    if item["state"] == "held":
        facts = {**facts, "hold_id": item["hold_id"]}
    words = {
        "done": "borrada; el recibo está arriba",
        "held": f"en espera: la cubre la retención legal {item.get('hold_id')}",
    }
    if not as_json and "receipt" in item:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    _say(facts, f"erase: {item['sk']} {words.get(item['state'], 'en curso')}", as_json=as_json)


def _say(facts: Any, line: str, *, as_json: bool) -> None:
    print(json.dumps(facts, ensure_ascii=False) if as_json else line)


def _run(work: Callable[[Parts], Awaitable[R]]) -> R:
    async def run() -> R:
        async with opened() as parts:
            return await work(parts)

    try:
        return asyncio.run(run())
    except (RefusedError, SettingsError, retention.BadRetentionError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(_BAD) from None
