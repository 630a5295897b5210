"""A running system as the bench sees it: customers who write, raw reads of the stores, the twin's history, the audit."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
from aiobotocore.session import get_session

from bench import measure
from bench.audit import audited, lost_nothing
from bench.figures import Row
from bench.outside import Outside
from local.install import Say
from local.plan import PHONE_NUMBER, REGION, SERVICES
from local.system import System
from shared import topology
from shared.ids import received_id

DESTINATION = "banco"
WORKERS = tuple(program.name for program in SERVICES)
_SECRET = "whsec_" + "YmFuY28gZGUgcHJ1ZWJhcyBkZSBsYSByZWRhY2Npb24="
_CALM = 2  # looks in a row that find every queue empty
_BATCH_GET = 100  # DynamoDB: BatchGetItem, items a call
# What people write to a newsroom, about a hundred characters.
_TEXTS = (
    "Buenas tardes, hay una fuga de agua sobre Universidad y los vecinos llevan toda la mañana sin servicio.",
    "Les escribo de la colonia Doctores: el semáforo de Niños Héroes no sirve desde ayer y ya hubo dos choques.",
    "¿Van a cubrir la marcha de mañana? Saldrá del Ángel a las cuatro; tengo el contacto de quienes organizan.",
    "Confirmado: suspendieron clases en tres escuelas de Iztapalapa por la falta de agua.",
)


class Newsroom:
    """The whole system on free ports, one webhook destination that gets everything, `people` customers.

    Args:
        people: how many customers write in turn.
        say: told of each step.
        witness: whether EventBridge tells of each message too.
    """

    def __init__(self, people: int, say: Say, *, witness: bool = True) -> None:
        self._say = say
        self._stack = AsyncExitStack()
        self.people = people
        self.system = System(extra={} if witness else {"TWIN_WITNESS_QUEUE": ""})
        self.said: dict[str, str] = {}  # message_id -> wamid
        self.replied: dict[str, str] = {}  # message_id -> text the desk took
        self._outside = Outside(DESTINATION)
        self._spoken = 0
        self._token = ""
        self._http: aiohttp.ClientSession
        self._dynamo: Any
        self._sqs: Any

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        self._say("arrancando el sistema / starting the system")
        await self._stack.enter_async_context(self.system)
        self._http = await self._stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        )
        self._dynamo, self._sqs = await self._client("dynamodb"), await self._client("sqs")
        await self._configure(await self._client("secretsmanager"))

    async def _client(self, service: str) -> Any:
        create: Any = get_session().create_client  # typed by literal service names only
        made = create(
            service,
            region_name=REGION,
            endpoint_url=self.system.urls["ministack"],
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - the emulator's
        )
        return await self._stack.enter_async_context(made)

    async def _configure(self, secrets: Any) -> None:
        """A receiver at the twin, its secret, and a route that sends it everything."""
        await self._post("/_twin/destinations", {"name": DESTINATION, "secret": _SECRET})
        await secrets.create_secret(Name=f"hook-{DESTINATION}", SecretString=_SECRET)
        url = f"{self.system.urls['twin']}/hooks/{DESTINATION}"
        place = {"kind": "webhook", "url": url, "secret": f"hook-{DESTINATION}"}
        await self._put("config", _strings({"pk": "destination", "sk": DESTINATION, **place}))
        route: dict[str, Any] = _strings({"pk": "route", "sk": DESTINATION})
        route["match"] = {"M": _strings({"by": "all"})}
        route["destinations"] = {"L": [{"S": DESTINATION}]}
        await self._put("config", route)

    async def _put(self, table: str, item: dict[str, Any]) -> None:
        await self._dynamo.put_item(TableName=self._table(table), Item=item | {"version": {"N": "1"}})

    def _table(self, name: str) -> str:
        return topology.Naming(self.system.plan.prefix).name(name)

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        async with self._http.post(self.system.urls["twin"] + path, json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    # --- the customers

    async def trouble(self, kind: str, **how: float) -> None:
        """Let the twin do one of its faults from now on, or with rate 0 no longer."""
        await self._post("/_twin/faults", {"kind": kind, **how})

    async def write(self, **what: Any) -> str:
        """The next customer writes (by default a text); answers the message_id it will have."""
        number, self._spoken = self._spoken, self._spoken + 1
        body = {"type": "text", "text": _TEXTS[number % len(_TEXTS)], **what}
        person = f"52155{number % self.people:08d}"
        wamid = (await self._post(f"/_twin/customers/{person}/messages", body))["wamid"]
        message_id = received_id(PHONE_NUMBER, wamid)
        self.said[message_id] = wamid
        return message_id

    async def write_at(
        self, rate: float, count: int, *, heard: Callable[[str], None] | None = None, **what: Any
    ) -> list[str]:
        """`count` messages at a steady rate, not waiting for anything to come of them.

        Args:
            rate: messages a second.
            count: how many.
            heard: told each message_id at once.
            what: of the message, where it is not the usual text.
        """
        loop = asyncio.get_running_loop()
        began, said = loop.time(), list[str]()

        async def one() -> None:
            said.append(await self.write(**what))
            if heard:
                heard(said[-1])

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(began + number / rate - loop.time())
                group.create_task(one())
        return said

    async def reply(self, conversation_id: str, number: int) -> str:
        """An agent answers through the desk's API; answers the message_id."""
        if not self._token:
            self._token = await asyncio.to_thread(self.system.token, "agent")
        url = f"{self.system.urls['desk']}/v1/conversations/{conversation_id}/messages"
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": f"bench-{number}"}
        body = {"type": "text", "text": f"Gracias, ya lo vemos ({number})."}
        async with self._http.post(url, json=body, headers=headers) as answer:
            answer.raise_for_status()
            message_id: str = (await answer.json())["messages"][0]["message_id"]
        self.replied[message_id] = body["text"]
        return message_id

    # --- what became of it, by raw reads

    async def recorded(self, wanted: Sequence[str]) -> dict[str, str]:
        """Of these messages, those in the record: message_id -> conversation_id."""
        found: dict[str, str] = {}
        table = self._table("ids")
        for start in range(0, len(wanted), _BATCH_GET):
            keys = [{"pk": {"S": one}, "sk": {"S": "-"}} for one in wanted[start : start + _BATCH_GET]]
            answer = await self._dynamo.batch_get_item(
                RequestItems={table: {"Keys": keys, "ConsistentRead": True}}
            )
            found |= {item["pk"]["S"]: item["conversation_id"]["S"] for item in answer["Responses"][table]}
        return found

    async def searchable(self, wanted: Sequence[str]) -> set[str]:
        """Of these messages, those that a search finds."""
        found: set[str] = set()
        alias = topology.Naming(self.system.plan.prefix).name(topology.SEARCH_ALIAS)
        url = f"{self.system.urls['opensearch']}/{alias}/_search"
        for start in range(0, len(wanted), 500):
            part = list(wanted[start : start + 500])
            question = {"query": {"ids": {"values": part}}, "size": len(part), "_source": False}
            async with self._http.post(url, json=question) as answer:
                answer.raise_for_status()
                found |= {hit["_id"] for hit in (await answer.json())["hits"]["hits"]}
        return found

    async def look_outside(self) -> Outside:
        """The twin's history, read on from where the last look ended."""
        url = f"{self.system.urls['twin']}/_twin/history"
        async with self._http.get(url, params={"after": str(self._outside.seq)}) as answer:
            async for line in answer.content:
                self._outside.take(json.loads(line))
        return self._outside

    async def _waiting(self) -> int:
        """What the twin has still to send."""
        async with self._http.get(f"{self.system.urls['twin']}/_twin/health") as answer:
            waiting: int = (await answer.json())["waiting"]
            return waiting

    # --- measuring

    def pids(self, *more: str) -> dict[str, int]:
        """Process ids of all workers, and of further parts."""
        return {name: self.system.pid(name) for name in (*WORKERS, *more)}

    async def idle(self, seconds: float) -> dict[str, float]:
        """CPU seconds a second of each worker while nothing happens."""
        before, began = measure.usages(self.pids()), time.monotonic()
        await asyncio.sleep(seconds)
        took = time.monotonic() - began
        return {name: cpu / took for name, cpu in measure.spent(before, measure.usages(self.pids())).items()}

    async def settle(self, wanted: Sequence[str], limit_s: float) -> dict[str, int]:
        """Wait until all of these are recorded, searchable and forwarded; answers how many are not, by stage."""
        open_in = {stage: list(wanted) for stage in ("recorded", "searchable", "forwarded")}
        deadline = time.monotonic() + limit_s
        while any(open_in.values()) and time.monotonic() < deadline:
            await asyncio.sleep(0.5)
            for stage, missing in open_in.items():
                found = await self._seen(stage, missing[:1000]) if missing else ()
                open_in[stage] = [one for one in missing if one not in found]
        return {stage: len(missing) for stage, missing in open_in.items()}

    async def delivered(self, sent: Sequence[str], limit_s: float) -> None:
        """Wait until the customers have these replies and their ticks have left. Raises RuntimeError."""
        waiting, deadline = {f"{one}.1" for one in sent}, time.monotonic() + limit_s
        while waiting:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(waiting)} replies were not delivered within {limit_s:.0f} s")
            await asyncio.sleep(0.5)
            waiting -= (await self.look_outside()).delivered

    async def quiet(self, limit_s: float) -> None:
        """Wait until every queue has been empty for two looks. Raises RuntimeError."""
        deadline, looks = time.monotonic() + limit_s, 0
        while looks < _CALM:
            if time.monotonic() > deadline:
                raise RuntimeError(f"queues not empty within {limit_s:.0f} s")
            await asyncio.sleep(0.5)
            looks = 0 if await self.depth() else looks + 1

    async def depth(self) -> int:
        """Messages in all queues, visible or in somebody's hands, and what the twin has still to send."""
        made = self.system.provisioned
        urls = [made.queues[spec.name] for spec in topology.QUEUES] if made else []
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        calls = [self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names) for url in urls]
        answers = await asyncio.gather(*calls)
        return await self._waiting() + sum(
            int(answer["Attributes"][name]) for answer in answers for name in names
        )

    async def _seen(self, stage: str, wanted: Sequence[str]) -> Iterable[str]:
        if stage == "recorded":
            return await self.recorded(wanted)
        if stage == "searchable":
            return await self.searchable(wanted)
        return (await self.look_outside()).kept

    async def close(self, row: Row, missing: dict[str, int]) -> None:
        """End a row: nothing missing by our own counts, and the audit says 0 lost; else the row is void."""
        row.counts["messages"] = len(self.said)
        row.voids += [f"{count} not {stage} in time" for stage, count in missing.items() if count]
        doubled = (await self.look_outside()).doubled
        if doubled:
            row.voids.append(f"{doubled} forwarded twice")
        self._say("auditoría / audit")
        token = await asyncio.to_thread(self.system.token, "agent")
        row.audit = await audited(self.system.env, token, self.replied)
        if not lost_nothing(row.audit):
            row.voids.append("the audit does not say 0 lost")


def _strings(values: dict[str, str]) -> dict[str, Any]:
    return {name: {"S": value} for name, value in values.items()}
