"""The ingest process on real engines: SNS in, archive, record and events out, drain, replay."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.provision import Provisioned, clients
from shared.ids import received_id
from tests.integration.running import cdmx, environment, running, until
from tests.unit.ingest.desk import ana, change, envelope, photo, said
from tests.unit.record.world import PNID

INGEST = "services.ingest"
pytestmark = pytest.mark.engines


def test_a_message_goes_from_sns_to_the_record_and_out_again(
    ministack: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    aws = clients(ministack)
    sns, sqs, dynamo, s3 = aws("sns"), aws("sqs"), aws("dynamodb"), aws("s3")
    env = environment(ministack, provisioned)
    body = envelope(change(contacts=ana(), messages=[said("wamid.1"), photo("wamid.2")]))
    message_id = received_id(PNID, "wamid.2")
    key = {"pk": {"S": message_id}, "sk": {"S": "-"}}

    def known() -> Any:
        return dynamo.get_item(TableName=provisioned.naming.name("ids"), Key=key).get("Item")

    def pokes(queue: str) -> list[dict[str, Any]]:
        got = sqs.receive_message(
            QueueUrl=provisioned.queues[queue], MaxNumberOfMessages=10, WaitTimeSeconds=1
        )
        return [json.loads(each["Body"]) for each in got.get("Messages", ())]

    with running(INGEST, env, tmp_path / "ingest.log"):
        for _ in range(2):  # SNS may deliver twice
            sns.publish(TopicArn=provisioned.topics["whatsapp-events"], Message=body)
        sns.publish(TopicArn=provisioned.topics["whatsapp-events"], Message="not json")
        until(known)
        media = until(lambda: pokes("media"))
        assert {each["data"]["message_id"] for each in media} == {message_id}
        assert {each["type"] for each in until(lambda: pokes("desk"))} >= {"desk.message.recorded.v1"}
        parked = until(
            lambda: sqs.receive_message(
                QueueUrl=provisioned.queues["ingest-dlq"], MessageAttributeNames=["All"], WaitTimeSeconds=1
            ).get("Messages")
        )
        assert parked[0]["MessageAttributes"]["reason"]["StringValue"] == "not_json"
    bucket = provisioned.naming.bucket("raw", provisioned.account)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="raw/eum/")["Contents"]
    stored = [s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed]
    assert sorted(stored) == sorted([body.encode(), b"not json"])
    for secret in ("wamid.", "5215512345678", "hola"):
        assert secret not in (tmp_path / "ingest.log").read_text()


def test_a_replay_fills_an_empty_record_and_changes_a_full_one_in_nothing(
    ministack: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    aws = clients(ministack)
    env = environment(ministack, provisioned)
    body = envelope(change(contacts=ana(), messages=[said("wamid.1"), photo("wamid.2")]))
    bucket = provisioned.naming.bucket("raw", provisioned.account)
    aws("s3").put_object(Bucket=bucket, Key="raw/eum/2027/01/15/0800/00/x.json", Body=body.encode())

    def replay() -> dict[str, Any]:
        done = cdmx(env, "replay", "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    assert replay() == {"envelopes": 1, "items": {"new": 2}, "refused": {}}
    assert replay() == {"envelopes": 1, "items": {"again": 2}, "refused": {}}
    table = provisioned.naming.name("messages")
    items = aws("dynamodb").scan(TableName=table)["Items"]
    assert [item["source"]["S"] for item in items] == ["replay", "replay"]


def test_a_replay_that_would_send_twice_is_refused(ministack: str, provisioned: Provisioned) -> None:
    done = cdmx(environment(ministack, provisioned), "replay", "--deliver")
    assert done.returncode == 2
    assert "ledger" in done.stderr
