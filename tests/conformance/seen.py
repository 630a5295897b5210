"""What the system holds, read back by the widest public road there is.

The archive by raw S3, messages and statuses as an admin sees them through the desk's API, and what no API shows
(account events, who a status is about) through the record's own reader.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import httpx

from local.provision import Client
from shared import topology
from shared.clock import SystemClock
from shared.ids import received_id
from shared.record.build import Record, build
from shared.record.connect import NOBODY
from shared.record.statuses import KIND, target
from shared.record.waits import waits
from shared.service import App
from shared.settings import Settings
from shared.store.port import Item, Store

KEPT = ("ids", "messages", "contacts", "aliases", "conversations", "policy", "chats")
_LATER = ("#routed", "~cursor")  # the router's own marks


@dataclass(frozen=True, slots=True)
class Held:
    """One thing of the record.

    Attributes:
        raw_id: of the envelope it came in.
        value: the change's value with this one thing in it.
        webhook: field of the change.
        state: what an account event says is now.
        hidden: the public API should show it, and does not.
    """

    raw_id: str
    value: Any
    webhook: str
    state: str = ""
    hidden: bool = False


class Archive:
    """The raw archive by its own hashes: source and bytes."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._s3, self._bucket = client("s3"), bucket

    def keys(self) -> dict[str, str]:
        """raw_id -> key of every archived envelope."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix="raw/")
        found = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {key.rpartition("/")[2].removesuffix(".json"): key for key in found}

    def read(self, key: str) -> bytes:
        """The archived bytes."""
        data: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return data


class Seen:
    """Reads one system.

    Args:
        environment: settings of the system, CDMX_*; AWS_* must be in the process's own.
        desk: base URL of the desk. token: an admin's.
    """

    def __init__(self, environment: Mapping[str, str], desk: str, token: str) -> None:
        self._settings = Settings(
            prefix=environment["CDMX_PREFIX"],
            region=environment["CDMX_REGION"],
            account=environment["CDMX_ACCOUNT"],
        )
        self._http = httpx.AsyncClient(
            base_url=desk, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        self._stack = AsyncExitStack()
        self._store: Store
        self._record: Record

    async def __aenter__(self) -> Self:
        app = App("conformance", self._settings, self._stack, SystemClock())
        self._store = await app.store()
        raw, keys, pepper = await app.objects(topology.RAW_BUCKET), await app.keys(), await app.pepper()
        self._record = build(self._store, raw, keys, pepper, app.clock, app.ids, service="conformance")
        await self._stack.enter_async_context(self._http)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def message(self, pnid: str, wamid: str) -> dict[str, Any] | None:
        """A received message as an admin sees it; None where there is none."""
        return await self.detail(received_id(pnid, wamid))

    async def detail(self, message_id: str) -> dict[str, Any] | None:
        """Any message as an admin sees it; None where there is none."""
        answer = await self._http.get(f"/v1/messages/{message_id}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def variants(self, pnid: str, wamid: str) -> list[Held]:
        """Other contents that came under the same wamid."""
        view = await self._record.reader.get_message(received_id(pnid, wamid))
        return [await self._child(each) for each in view.variants] if view else []

    async def statuses(self, pnid: str, wamid: str, callback: str | None) -> list[Held]:
        """Statuses beside their message, as the desk shows them too; or waiting for it, where no API shows them."""
        message_id = target(pnid, wamid, callback)
        view = await self._record.reader.get_message(message_id)
        if view is None:
            waiting = [each for each in await waits(self._store, message_id) if each["kind"] == KIND]
            return [await self._waiting(each) for each in waiting]
        shown = await self.detail(message_id) or {"statuses": []}
        api = [each["whatsapp"] for each in shown["statuses"]]
        held = [await self._child(each) for each in view.statuses]
        return [replace(each, hidden=each.value["statuses"][0] not in api) for each in held]

    async def _child(self, item: Item) -> Held:
        content = await self._record.reader.open_child(item)
        return Held(item["raw_id"], content.get("value"), content.get("field", ""))

    async def _waiting(self, item: Item) -> Held:
        content = await self._record.sealing.open_item("ids", item) or {}
        return Held(item["raw_id"], content.get("value"), content.get("field", ""))

    async def connect(self, event: Mapping[str, Any]) -> list[Held]:
        """Rows of the Connect contact that an event or chat item is about, with what is sealed of each."""
        detail = event.get("detail", event)
        named = {name.lower(): each for name, each in detail.items()} if isinstance(detail, dict) else {}
        contact = named.get("contactid")
        rows = await self._record.connect.of(contact if isinstance(contact, str) else NOBODY)
        return [Held(item["raw_id"], content, item["what"]) for item, content in rows]

    async def accounts(self, raw_id: str, positions: int) -> list[Held]:
        """Account events and unknown things of an envelope."""
        found = await asyncio.gather(*(self._account(f"a_{raw_id}.{n}") for n in range(positions)))
        return [held for held in found if held is not None]

    async def _account(self, item_id: str) -> Held | None:
        pointer = await self._store.get("ids", item_id)
        kept = await self._record.accounts.get(item_id) if pointer and "at_pk" in pointer else None
        if kept is None:
            return None
        item, content = kept
        return Held(item["raw_id"], content["value"], content["field"], item["state"])


def keys_of(client: Client, prefix: str) -> set[str]:
    """Every item the record keeps, by table and key; what the router adds later does not count."""
    tables = client("dynamodb")
    found: set[str] = set()
    for table in KEPT:
        pages = tables.get_paginator("scan").paginate(
            TableName=f"{prefix}{table}", ProjectionExpression="pk, sk"
        )
        rows = [(each["pk"]["S"], each["sk"]["S"]) for page in pages for each in page["Items"]]
        found |= {f"{table}|{pk}|{sk}" for pk, sk in rows if not sk.endswith(_LATER)}
    return found
