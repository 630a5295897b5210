"""Ops as parameters of DynamoDB's calls: pure rendering, boto3's builder for conditions.

`#n0 :v0` are placeholders of conditions (boto3's), `#u0 :u0` those of updates, so that they never meet.
"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key

from shared.store.port import Check, Delete, Put, Update
from shared.store.values import encode, encode_item

Params = dict[str, Any]
_ABSENT: Params = {
    "ConditionExpression": "attribute_not_exists(#n0)",
    "ExpressionAttributeNames": {"#n0": "pk"},
}


def put(op: Put, table: str) -> Params:
    """PutItem, or a transaction's Put."""
    condition = _ABSENT if op.absent else condition_of(op.condition)
    return {"TableName": table, "Item": encode_item(op.item), **condition}


def delete(op: Delete | Check, table: str) -> Params:
    """DeleteItem, or a transaction's Delete or ConditionCheck."""
    return {"TableName": table, "Key": key(op.pk, op.sk), **condition_of(op.condition)}


def update(op: Update, table: str) -> Params:
    """UpdateItem, or a transaction's Update."""
    names: dict[str, str] = {}
    values: dict[str, Any] = {}
    expression = " ".join(_clauses(op, names, values))
    condition = condition_of(op.condition)
    names.update(condition.pop("ExpressionAttributeNames", {}))
    values.update(condition.pop("ExpressionAttributeValues", {}))
    params = {"TableName": table, "Key": key(op.pk, op.sk), "UpdateExpression": expression, **condition}
    return {**params, "ExpressionAttributeNames": names, **_present(ExpressionAttributeValues=values)}


def key(pk: str, sk: str) -> Params:
    """An item's key."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def condition_of(condition: ConditionBase | None) -> Params:
    """ConditionExpression with its names and values; nothing for no condition."""
    return {} if condition is None else _built(condition, "ConditionExpression", is_key=False)


def key_condition(pk_name: str, pk: str, sk: ConditionBase | None) -> Params:
    """KeyConditionExpression of a query."""
    partition: ConditionBase = Key(pk_name).eq(pk)
    return _built(partition if sk is None else partition & sk, "KeyConditionExpression", is_key=True)


def _built(condition: ConditionBase, name: str, *, is_key: bool) -> Params:
    built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=is_key)
    names, values = built.attribute_name_placeholders, built.attribute_value_placeholders
    encoded = encode_item(values)
    return {
        name: built.condition_expression,
        **_present(ExpressionAttributeNames=names, ExpressionAttributeValues=encoded),
    }


def _clauses(op: Update, names: dict[str, str], values: dict[str, Any]) -> Iterator[str]:
    numbers = count()

    def name(attribute: str) -> str:
        placeholder = f"#u{next(numbers)}"
        names[placeholder] = attribute
        return placeholder

    def assigned(attribute: str, value: Any, form: str) -> str:
        left = name(attribute)
        right = ":" + left[1:]
        values[right] = encode(value)
        return form.format(left, right)

    sets = [assigned(each, value, "{0} = {1}") for each, value in op.set.items()]
    sets += [assigned(each, value, "{0} = if_not_exists({0}, {1})") for each, value in op.set_once.items()]
    adds = [assigned(each, value, "{0} {1}") for each, value in op.add.items()]
    removes = [name(each) for each in op.remove]
    for keyword, parts in (("SET", sets), ("ADD", adds), ("REMOVE", removes)):
        if parts:
            yield f"{keyword} {', '.join(parts)}"


def _present(**params: Mapping[str, Any]) -> Params:
    return {name: value for name, value in params.items() if value}
