"""The Store on DynamoDB through aiobotocore's low-level client.

Made with `shared.aws.open_client`, whose client does not retry by itself: what is safe to repeat (reads,
transactions with their token) is repeated here, a lone write is not, so that a lost answer is told as
StoreUnavailableError instead of coming back as a failed condition.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from boto3.dynamodb.conditions import ConditionBase
from botocore.exceptions import BotoCoreError, ClientError

from shared import aws, topology
from shared.store import expressions
from shared.store.checks import check_op, check_transaction, key_of
from shared.store.port import (
    Check,
    ConditionFailedError,
    ContendedError,
    Delete,
    Item,
    Op,
    Page,
    Put,
    StoreUnavailableError,
    Update,
)
from shared.store.values import decode_item, encode_item

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

BATCH = 100  # DynamoDB API reference, BatchGetItem: keys a call
PAUSES_S = (0.05, 0.2)  # between the three tries of a call that may be repeated
_CONFLICTS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_REFUSED = frozenset({"ValidationException", "IdempotentParameterMismatchException"})
_ACTIONS = {Put: "Put", Update: "Update", Delete: "Delete", Check: "ConditionCheck"}


class DynamoStore:
    """The record's tables.

    Args:
        client: aiobotocore's, from `shared.aws.open_client`.
        naming: adds the environment's prefix.
    """

    def __init__(self, client: "DynamoDBClient", naming: topology.Naming) -> None:
        self._client = client
        self._name = naming.name

    async def get(self, table: str, pk: str, sk: str = "-") -> Item | None:
        """One item, read consistently."""
        _, pk, sk = key_of(Delete(table, pk, sk))
        params = {"TableName": self._name(table), "Key": expressions.key(pk, sk), "ConsistentRead": True}
        answer = await _repeated(self._client.get_item, params)
        return decode_item(answer["Item"]) if "Item" in answer else None

    async def get_many(self, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Item]:
        """Items by (table, pk, sk), read consistently; absent ones are missing from the answer."""
        unique = list(dict.fromkeys(key_of(Delete(*key)) for key in keys))
        found: dict[tuple[str, str, str], Item] = {}
        for start in range(0, len(unique), BATCH):
            found.update(await self._batch(unique[start : start + BATCH]))
        return found

    async def query(
        self,
        table: str,
        pk: str,
        sk: ConditionBase | None = None,
        *,
        index: str | None = None,
        forward: bool = True,
        limit: int | None = None,
        start: Item | None = None,
    ) -> Page:
        """One page of a partition in key order; consistent unless the index is global."""
        spec = _index(table, index)
        params = {
            "TableName": self._name(table),
            "ConsistentRead": spec is None or spec.kind == "local",
            "ScanIndexForward": forward,
            **expressions.key_condition(spec.pk if spec else "pk", pk, sk),
            **({"IndexName": index} if index else {}),
            **({"Limit": limit} if limit else {}),
            **({"ExclusiveStartKey": encode_item(start)} if start else {}),
        }
        answer = await _repeated(self._client.query, params)
        return Page([decode_item(item) for item in answer["Items"]], _next(answer))

    async def write(self, op: Put | Update | Delete, *, old: bool = False) -> Item | None:
        """One lone write, tried once; answers the item after it, or before it with `old`."""
        check_op(op)
        try:
            answer = await self._lone(op, old=old)
        except (BotoCoreError, ClientError) as error:
            _raise(error)
        if isinstance(op, Put) and not old:
            return dict(op.item)
        return decode_item(answer["Attributes"]) if answer.get("Attributes") else None

    async def transact(self, ops: Sequence[Op], token: str) -> None:
        """All or nothing; the same token within 10 minutes takes effect once."""
        check_transaction(ops, token)
        items = [{_ACTIONS[type(op)]: self._rendered(op)} for op in ops]
        await _repeated(
            self._client.transact_write_items, {"TransactItems": items, "ClientRequestToken": token}
        )

    async def scan(self, table: str, *, segment: int = 0, segments: int = 1) -> AsyncIterator[Item]:
        """All items of a table, page by page."""
        params: dict[str, Any] = {
            "TableName": self._name(table),
            "ConsistentRead": True,
            "Segment": segment,
            "TotalSegments": segments,
        }
        while True:
            answer = await _repeated(self._client.scan, params)
            for item in answer["Items"]:
                yield decode_item(item)
            if not answer.get("LastEvaluatedKey"):
                return
            params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def _batch(self, keys: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str, str], Item]:
        names = {self._name(table): table for table, _, _ in keys}
        wanted: Any = {name: {"Keys": [], "ConsistentRead": True} for name in names}
        for table, pk, sk in keys:
            wanted[self._name(table)]["Keys"].append(expressions.key(pk, sk))
        found: dict[tuple[str, str, str], Item] = {}
        for pause in (*PAUSES_S, None):
            answer = await _repeated(self._client.batch_get_item, {"RequestItems": wanted})
            for name, items in answer["Responses"].items():
                found.update(
                    {(names[name], each["pk"], each["sk"]): each for each in map(decode_item, items)}
                )
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return found
            if pause is not None:
                await asyncio.sleep(pause)
        raise ContendedError("reads left over by a throttled table")

    async def _lone(self, op: Put | Update | Delete, *, old: bool) -> Any:
        params = self._rendered(op)
        if isinstance(op, Put):
            return await self._client.put_item(**params, ReturnValues="ALL_OLD" if old else "NONE")
        if isinstance(op, Update):
            return await self._client.update_item(**params, ReturnValues="ALL_OLD" if old else "ALL_NEW")
        return await self._client.delete_item(**params, ReturnValues="ALL_OLD" if old else "NONE")

    def _rendered(self, op: Op) -> Any:
        name = self._name(op.table)
        if isinstance(op, Put):
            params = expressions.put(op, name)
        elif isinstance(op, Update):
            params = expressions.update(op, name)
        else:
            params = expressions.delete(op, name)
        if "ConditionExpression" in params:
            params["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return params


async def _repeated(call: Callable[..., Awaitable[Any]], params: dict[str, Any]) -> Any:
    """A call whose repetition is harmless: up to three tries while there is no answer."""
    for pause in PAUSES_S:
        try:
            return await call(**params)
        except (BotoCoreError, ClientError) as error:
            if not aws.unavailable(error):
                _raise(error)
        await asyncio.sleep(pause)
    try:
        return await call(**params)
    except (BotoCoreError, ClientError) as error:
        _raise(error)


def _raise(error: BotoCoreError | ClientError) -> NoReturn:
    """Raise what the port promises for a failed call; a misconfiguration goes through as it is."""
    if isinstance(error, ClientError):
        _raise_refusal(error)
    if aws.unavailable(error):
        raise StoreUnavailableError("no answer or a server fault") from error
    raise error


def _raise_refusal(error: ClientError) -> None:
    name = aws.code(error)
    if name == "ConditionalCheckFailedException":
        item: Any = error.response.get("Item")
        raise ConditionFailedError([0], {0: decode_item(item)} if item else {}) from error
    if name == "TransactionCanceledException":
        _raise_cancelled(error)
    if name == "TransactionConflictException" or aws.throttled(error):
        raise ContendedError("conflict or throttling") from error
    if name in _REFUSED:
        raise ValueError(f"DynamoDB refused the request: {name}") from error


def _raise_cancelled(error: ClientError) -> NoReturn:
    """A conflict anywhere outweighs a failed condition: the whole truth comes with the next try."""
    reasons: Any = error.response.get("CancellationReasons", [])
    codes = [reason.get("Code") for reason in reasons]
    if any(each in _CONFLICTS for each in codes):
        raise ContendedError("transaction conflict or throttling") from error
    failed = [n for n, each in enumerate(codes) if each == "ConditionalCheckFailed"]
    if failed:
        old = {n: decode_item(reasons[n]["Item"]) for n in failed if reasons[n].get("Item")}
        raise ConditionFailedError(failed, old) from error
    raise ValueError(f"DynamoDB refused the transaction: {codes}") from error


def _index(table_name: str, index: str | None) -> Any:
    if index is None:
        return None
    return {spec.name: spec for spec in topology.table(table_name).indexes}[index]


def _next(answer: Any) -> Item | None:
    last = answer.get("LastEvaluatedKey")
    return decode_item(last) if last else None
