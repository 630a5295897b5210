"""The smaller service models say what botocore's own say, and lead to the same requests."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import botocore
import pytest
from aiobotocore.session import AioSession, get_session
from botocore.loaders import JSONFileLoader

from shared import aws, aws_models

_DATA = Path(botocore.__file__).parent / "data"
_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}}),
    "kms": ("generate_data_key", {"KeyId": "alias/k", "KeySpec": "AES_256"}),
    "s3": ("put_object", {"Bucket": "raw", "Key": "a/b c", "Body": b"x", "IfNoneMatch": "*"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "pepper"}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": "m"}),
    "socialmessaging": (
        "send_whatsapp_message",
        {"originationPhoneNumberId": "phone-number-id-1", "message": b"{}", "metaApiVersion": "v23.0"},
    ),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": "m"}),
}
_REGIONS = ("us-east-1", "mx-central-1")


class _StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def _files() -> list[Path]:
    general = [_DATA / "partitions", _DATA / "sdk-default-configuration"]
    versions = [version for service in _CALLS for version in (_DATA / service).iterdir() if version.is_dir()]
    kinds = ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2")
    return general + [version / kind for version in versions for kind in kinds]


@pytest.mark.parametrize("path", _files(), ids=lambda path: f"{path.parent.parent.name} {path.name}")
def test_the_data_are_botocores_without_prose(path: Path) -> None:
    ours, theirs = aws_models.ModelFiles().load_file(str(path)), JSONFileLoader().load_file(str(path))
    assert ours == _silent(theirs)


def test_the_endpoints_are_botocores_for_our_services_and_for_global_ones() -> None:
    path = str(_DATA / "endpoints")
    ours, theirs = aws_models.ModelFiles().load_file(path), JSONFileLoader().load_file(path)
    for mine, full in zip(ours["partitions"], theirs["partitions"], strict=True):
        assert {**full, "services": mine["services"]} == mine
        assert mine["services"].items() <= full["services"].items()
        left = full["services"].keys() - mine["services"].keys()
        assert not left & {"dynamodb", "kms", "s3", "secretsmanager", "sns", "social-messaging", "sqs", "sts"}
        assert not [name for name in left if "partitionEndpoint" in full["services"][name]]


def test_it_is_smaller_and_a_missing_file_is_none() -> None:
    models = aws_models.ModelFiles()
    found = models.load_file(str(_DATA / "sqs" / "2012-11-05" / "service-2"))
    assert type(found) is dict
    assert {shape.get("documentation", "") for shape in found["shapes"].values()} == {""}
    assert models.load_file(str(_DATA / "none")) is None


@pytest.mark.parametrize("region", _REGIONS)
@pytest.mark.parametrize("service", _CALLS)
async def test_a_call_leads_to_the_same_request(service: str, region: str) -> None:
    ours = await _request(aws_models.session(), service, region)
    assert ours == await _request(get_session(), service, region)
    assert ours[1].startswith("https://")


async def test_clients_of_one_service_share_its_model_and_keep_their_own_patience() -> None:
    session = aws_models.session()
    async with AsyncExitStack() as stack:
        usual = await aws.open_client(stack, session, "socialmessaging", "us-east-1")
        patient = await aws.open_client(stack, session, "socialmessaging", "us-east-1", 60.0)
        assert (usual.meta.config.read_timeout, patient.meta.config.read_timeout) == (aws.READ_S, 60.0)
        assert patient.meta.config.retries["total_max_attempts"] == 1
        assert usual._loader is patient._loader


def _silent(data: Any) -> Any:
    """`data` with every text under `documentation` empty."""
    if isinstance(data, list):
        return [_silent(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {
        key: "" if key == "documentation" and isinstance(value, str) else _silent(value)
        for key, value in data.items()
    }


async def _request(session: AioSession, service: str, region: str) -> tuple[str, str, Any, Any]:
    """Method, URL, body and target of one call, which never leaves."""
    sent: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        sent.append(request)
        raise _StoppedError

    name, arguments = _CALLS[service]
    async with AsyncExitStack() as stack:
        client = await aws.open_client(stack, session, service, region)
        client.meta.events.register("before-send", stop)
        with pytest.raises(_StoppedError):
            await getattr(client, name)(**arguments)
    (request,) = sent
    body = request.body if isinstance(request.body, bytes | str) else type(request.body)  # S3 streams it
    return request.method, request.url, body, request.headers.get("X-Amz-Target")
