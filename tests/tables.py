"""Creates the topology's tables on an engine that serves tests."""

from typing import Any

from shared.topology import TABLES, Naming, TableSpec


async def create_tables(client: Any, naming: Naming) -> None:
    """All tables that do not exist yet."""
    there: set[str] = set()
    async for page in client.get_paginator("list_tables").paginate():
        there.update(page["TableNames"])
    for spec in TABLES:
        if naming.name(spec.name) not in there:
            await client.create_table(**definition(spec, naming))


def definition(spec: TableSpec, naming: Naming) -> dict[str, Any]:
    """CreateTable's parameters."""
    names = ["pk", "sk", *(name for index in spec.indexes for name in (index.pk, index.sk))]
    params: dict[str, Any] = {
        "TableName": naming.name(spec.name),
        "KeySchema": _schema("pk", "sk"),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in dict.fromkeys(names)
        ],
        "BillingMode": "PAY_PER_REQUEST",
    }
    for kind in ("local", "global"):
        indexes = [
            {"IndexName": i.name, "KeySchema": _schema(i.pk, i.sk), "Projection": {"ProjectionType": "ALL"}}
            for i in spec.indexes
            if i.kind == kind
        ]
        if indexes:
            params[f"{kind.capitalize()}SecondaryIndexes"] = indexes
    return params


def _schema(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]
