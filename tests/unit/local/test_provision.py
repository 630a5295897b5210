"""Provisioning makes what the topology declares, twice without harm, and the bus honours its filters."""

import json

import pytest

from local import provision
from shared import topology

pytestmark = pytest.mark.engines
ACCOUNT = "000000000000"


def test_everything_declared_exists_and_a_second_run_changes_nothing(ministack: str, prefix: str) -> None:
    client = provision.clients(ministack)
    first = provision.provision(client, prefix, ACCOUNT, b"p" * 32)
    second = provision.provision(client, prefix, ACCOUNT, b"q" * 32)
    assert first == second
    secret = client("secretsmanager").get_secret_value(SecretId=first.naming.name(topology.PEPPER_SECRET))
    assert secret["SecretBinary"] == b"p" * 32
    for spec in topology.TABLES:
        table = client("dynamodb").describe_table(TableName=first.naming.name(spec.name))["Table"]
        found = [*table.get("LocalSecondaryIndexes", []), *table.get("GlobalSecondaryIndexes", [])]
        assert {index["IndexName"] for index in found} == {index.name for index in spec.indexes}


def test_a_queue_receives_only_what_its_filter_lets_through(ministack: str, prefix: str) -> None:
    client = provision.clients(ministack)
    made = provision.provision(client, prefix, ACCOUNT, b"p" * 32)
    sns, sqs = client("sns"), client("sqs")
    for direction in ("in", "out"):
        sns.publish(
            TopicArn=made.topics[topology.DESK_EVENTS],
            Message=json.dumps({"direction": direction}),
            MessageAttributes={
                "type": {"DataType": "String", "StringValue": "desk.message.recorded.v1"},
                "direction": {"DataType": "String", "StringValue": direction},
            },
        )
    bodies = []
    while answer := sqs.receive_message(
        QueueUrl=made.queues["send"], WaitTimeSeconds=1, MaxNumberOfMessages=10
    ):
        if "Messages" not in answer:
            break
        for message in answer["Messages"]:
            bodies.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=made.queues["send"], ReceiptHandle=message["ReceiptHandle"])
    assert bodies == [{"direction": "out"}]


def test_queues_and_tables_are_made_on_the_second_engines(
    elasticmq: str, dynamodb_local: str, prefix: str
) -> None:
    naming = topology.Naming(prefix)
    urls = provision.queues(provision.clients(elasticmq)("sqs"), naming, {})
    assert set(urls) == {name for spec in topology.QUEUES for name in (spec.name, spec.dlq)}
    dynamodb = provision.clients(dynamodb_local)("dynamodb")
    provision.tables(dynamodb, naming)
    provision.tables(dynamodb, naming)
    pages = dynamodb.get_paginator("list_tables").paginate()  # other tests' tables are there too
    names = [name for page in pages for name in page["TableNames"] if name.startswith(prefix)]
    assert len(names) == len(topology.TABLES)
