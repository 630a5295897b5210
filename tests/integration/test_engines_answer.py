"""Each engine of the suite answers as the service it stands for."""

import json
import urllib.request

import boto3
import pytest

pytestmark = pytest.mark.engines


def test_ministack_keeps_a_table(ministack: str, prefix: str) -> None:
    dynamodb = boto3.client("dynamodb", endpoint_url=ministack)
    dynamodb.create_table(
        TableName=f"{prefix}t",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert dynamodb.describe_table(TableName=f"{prefix}t")["Table"]["TableStatus"] == "ACTIVE"


def test_elasticmq_keeps_a_queue(elasticmq: str, prefix: str) -> None:
    sqs = boto3.client("sqs", endpoint_url=elasticmq)
    url = sqs.create_queue(QueueName=f"{prefix}q")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="hola")
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hola"


def test_dynamodb_local_lists_tables(dynamodb_local: str) -> None:
    assert "TableNames" in boto3.client("dynamodb", endpoint_url=dynamodb_local).list_tables()


def test_opensearch_is_the_pinned_version(opensearch: str) -> None:
    with urllib.request.urlopen(opensearch) as answer:  # noqa: S310 - loopback
        assert json.load(answer)["version"]["number"] == "3.3.2"
