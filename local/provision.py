"""Makes everything shared/topology.py declares, on any endpoint: plain boto3, repeatable, under a prefix.

The production account is made by deploy/cdk from the same declarations. `AWS_ENDPOINT_URL_*` decide where the
calls go; the tests give clients of their own.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from shared import topology
from shared.topology import IndexSpec, Naming, QueueSpec, TableSpec

Client = Callable[[str], Any]
_CONFIG = Config(retries={"total_max_attempts": 3}, connect_timeout=3, read_timeout=20)


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What was made.

    Args:
        naming: the prefix in use.
        account: 12 digits; part of every bucket's name.
        topics: declared name to ARN.
        queues: declared name, and `<name>-dlq`, to URL.
        key_arn: the KMS key behind the alias.
    """

    naming: Naming
    account: str
    topics: dict[str, str]
    queues: dict[str, str]
    key_arn: str


def clients(endpoint: str | None, region: str = "us-east-1") -> Client:
    """A source of boto3 clients; endpoint None leaves address and credentials to the environment."""
    known = {"endpoint_url": endpoint, "aws_access_key_id": "test", "aws_secret_access_key": "test"}

    def make(service: str) -> Any:
        return boto3.client(service, region_name=region, config=_CONFIG, **(known if endpoint else {}))  # type: ignore[call-overload] # the service's name is a variable

    return make


def environment_clients(env: Mapping[str, str]) -> Client:
    """A source of boto3 clients that go where this environment sends each service."""
    keys = {name: env[name.upper()] for name in ("aws_access_key_id", "aws_secret_access_key")}

    def make(service: str) -> Any:
        variable = service.upper().replace("SECRETSMANAGER", "SECRETS_MANAGER")
        endpoint, region = env[f"AWS_ENDPOINT_URL_{variable}"], env["AWS_REGION"]
        return boto3.client(service, endpoint_url=endpoint, region_name=region, config=_CONFIG, **keys)  # type: ignore[call-overload] # the service's name is a variable

    return make


def provision(
    client: Client, prefix: str, account: str, pepper: bytes, region: str = "us-east-1"
) -> Provisioned:
    """Have all resources; those that exist are left as they are, or brought up to the declaration.

    Args:
        client: service name to boto3 client.
        prefix: the environment's prefix.
        account: 12 digits.
        pepper: value of the alias pepper, written only where there is none.
        region: where buckets are made.
    """
    naming = Naming(prefix)
    arns = topics(client("sns"), naming)
    urls = queues(client("sqs"), naming, arns)
    subscriptions(client("sns"), client("sqs"), arns, urls)
    tables(client("dynamodb"), naming)
    buckets(client("s3"), naming, account, region)
    key_arn = key(client("kms"), naming)
    secret(client("secretsmanager"), naming.name(topology.PEPPER_SECRET), pepper)
    return Provisioned(naming, account, arns, urls, key_arn)


def beside(client: Client, prefix: str, account: str, region: str = "us-east-1") -> None:
    """Have the queues, tables and buckets once more, on engines that stand beside the one with the topics."""
    naming = Naming(prefix)
    queues(client("sqs"), naming, {})
    tables(client("dynamodb"), naming)
    buckets(client("s3"), naming, account, region)


def topics(sns: Any, naming: Naming) -> dict[str, str]:
    """Standard topics: declared name to ARN."""
    return {name: sns.create_topic(Name=naming.name(name))["TopicArn"] for name in topology.TOPICS}


def queues(sqs: Any, naming: Naming, topic_arns: Mapping[str, str]) -> dict[str, str]:
    """Each queue with its dead-letter queue, redrive and, where it subscribes, its policy."""
    urls: dict[str, str] = {}
    for spec in topology.QUEUES:
        urls[spec.dlq] = _queue(sqs, naming.name(spec.dlq), {})
        attributes = {
            "VisibilityTimeout": str(spec.visibility_s),
            "RedrivePolicy": json.dumps(
                {
                    "deadLetterTargetArn": _queue_arn(sqs, urls[spec.dlq]),
                    "maxReceiveCount": topology.MAX_RECEIVES,
                }
            ),
        }
        urls[spec.name] = _queue(sqs, naming.name(spec.name), attributes)
        _allow_topics(sqs, urls[spec.name], spec, topic_arns)
    return urls


def _queue(sqs: Any, name: str, attributes: Mapping[str, str]) -> str:
    wanted = {"MessageRetentionPeriod": str(topology.RETENTION_S), **attributes}
    try:
        url: str = sqs.create_queue(QueueName=name, Attributes=wanted)["QueueUrl"]
    except sqs.exceptions.QueueNameExists:
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=wanted)
    return url


def _queue_arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = answer["Attributes"]["QueueArn"]
    return arn


def _allow_topics(sqs: Any, url: str, spec: QueueSpec, topic_arns: Mapping[str, str]) -> None:
    """Only our own topics may send: a foreign one is refused by the queue."""
    sources = [topic_arns[subscription.topic] for subscription in spec.subscriptions if topic_arns]
    if not sources:
        return
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": _queue_arn(sqs, url),
        "Condition": {"ArnEquals": {"aws:SourceArn": sources}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def subscriptions(sns: Any, sqs: Any, topic_arns: Mapping[str, str], urls: Mapping[str, str]) -> None:
    """Raw delivery with the declared filters."""
    for spec in topology.QUEUES:
        for wanted in spec.subscriptions:
            arn = _subscribe(sns, topic_arns[wanted.topic], _queue_arn(sqs, urls[spec.name]))
            _set(sns, arn, "RawMessageDelivery", "true")
            _set(sns, arn, "FilterPolicy", json.dumps(wanted.filter or {}))


def _subscribe(sns: Any, topic: str, queue: str) -> str:
    """The queue's subscription; subscribing again gives the one there is."""
    arn: str = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, ReturnSubscriptionArn=True)[
        "SubscriptionArn"
    ]
    return arn


def _set(sns: Any, subscription: str, name: str, value: str) -> None:
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName=name, AttributeValue=value)


def tables(dynamodb: Any, naming: Naming) -> None:
    """On-demand tables with their indexes and TTL, awaited until active."""
    missing = [spec for spec in topology.TABLES if _create_table(dynamodb, naming.name(spec.name), spec)]
    for spec in missing:
        dynamodb.get_waiter("table_exists").wait(
            TableName=naming.name(spec.name), WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        if spec.ttl:
            dynamodb.update_time_to_live(
                TableName=naming.name(spec.name),
                TimeToLiveSpecification={"Enabled": True, "AttributeName": spec.ttl},
            )


def _create_table(dynamodb: Any, name: str, spec: TableSpec) -> bool:
    """True = made now."""
    names = sorted({"pk", "sk", *(key for index in spec.indexes for key in (index.pk, index.sk))})
    wanted: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": _key("pk", "sk"),
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in names],
    }
    local = [_index(index) for index in spec.indexes if index.kind == "local"]
    anywhere = [_index(index) for index in spec.indexes if index.kind == "global"]
    wanted |= {"LocalSecondaryIndexes": local} if local else {}
    wanted |= {"GlobalSecondaryIndexes": anywhere} if anywhere else {}
    try:
        dynamodb.create_table(**wanted)
    except dynamodb.exceptions.ResourceInUseException:
        return False
    return True


def _key(pk: str, sk: str) -> list[dict[str, str]]:
    return [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]


def _index(index: IndexSpec) -> dict[str, Any]:
    return {
        "IndexName": index.name,
        "KeySchema": _key(index.pk, index.sk),
        "Projection": {"ProjectionType": "ALL"},
    }


def buckets(s3: Any, naming: Naming, account: str, region: str = "us-east-1") -> None:
    """The three buckets. us-east-1 takes no location constraint (S3 API, CreateBucket)."""
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    for name in topology.BUCKETS:
        try:
            s3.create_bucket(Bucket=naming.bucket(name, account), **place)
        except (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
            s3.head_bucket(Bucket=naming.bucket(name, account))  # refused when it is somebody else's


def key(kms: Any, naming: Naming) -> str:
    """ARN of the key behind our alias, made with it where there is none."""
    alias = f"alias/{naming.name(topology.KMS_ALIAS)}"
    try:
        found: str = kms.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    except kms.exceptions.NotFoundException:
        made = kms.create_key(Description="Wraps each person's data key")["KeyMetadata"]
        kms.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        found = made["Arn"]
    return found


def secret(manager: Any, name: str, value: bytes) -> None:
    """A secret that is never overwritten."""
    try:
        manager.create_secret(Name=name, SecretBinary=value)
    except manager.exceptions.ResourceExistsException:
        return


def link_account(socialmessaging: Any, waba: str, topic_arn: str, role_arn: str) -> None:
    """Point a WhatsApp Business account's events at our topic (one destination an account)."""
    socialmessaging.put_whatsapp_business_account_event_destinations(
        id=waba, eventDestinations=[{"eventDestinationArn": topic_arn, "roleArn": role_arn}]
    )
