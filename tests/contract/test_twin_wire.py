"""botocore's own clients drive every operation of the twin; SNS, SQS and S3 behind it are real servers."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError
from botocore.signers import CloudFrontSigner
from botocore.validate import ParamValidator
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

from twin.app import Twin
from twin.core.model import Account, sha256_hex
from twin.settings import Settings

pytestmark = pytest.mark.engines
ACCOUNT = Account()
PHONE = ACCOUNT.eum_phone_id
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


class Desk:
    """What the business has: clients, a queue behind the topic, a bucket; and the twin's control API."""

    def __init__(self, stack: AsyncExitStack, aws: str, prefix: str) -> None:
        self._stack, self._aws, self._prefix = stack, aws, prefix
        self.bucket = f"{prefix}media".lower().replace("_", "-")
        self.twin: Twin
        self.eum: Any
        self.http: aiohttp.ClientSession

    async def client(self, name: str, url: str, **config: Any) -> Any:
        options = AioConfig(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, **config)
        made = get_session().create_client(  # type: ignore[call-overload] # a name the stubs do not narrow
            name,
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=options,
        )
        return await self._stack.enter_async_context(made)

    async def provision(self) -> None:
        self.sqs, self.s3 = await self.client("sqs", self._aws), await self.client("s3", self._aws)
        sns = await self.client("sns", self._aws)
        self.topic = (await sns.create_topic(Name=f"{self._prefix}whatsapp-events"))["TopicArn"]
        self.queue = (await self.sqs.create_queue(QueueName=f"{self._prefix}ingest"))["QueueUrl"]
        self.connect = (await self.sqs.create_queue(QueueName=f"{self._prefix}connect"))["QueueUrl"]
        names = ["QueueArn"]
        arn = (await self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=names))["Attributes"][
            "QueueArn"
        ]
        raw = {"RawMessageDelivery": "true"}
        await sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        await self.s3.create_bucket(Bucket=self.bucket)

    async def start(self, directory: Path, stack: AsyncExitStack) -> None:
        env = {
            "TWIN_PORT": "0",
            "TWIN_STATE_DIR": str(directory),
            "TWIN_CDN_PUBLIC_KEY": PEM,
            "TWIN_CDN_KEY_ID": "K1",
            "TWIN_MEDIA_BUCKET": self.bucket,
            "TWIN_WITNESS_QUEUE": f"{self._prefix}connect",
        }
        self.twin = await stack.enter_async_context(Twin(Settings.read(env), time.time_ns))
        self.url = f"http://127.0.0.1:{self.twin.port}"
        self.eum = await self.client("socialmessaging", self.url, read_timeout=3)
        self.http = await stack.enter_async_context(aiohttp.ClientSession(self.url))

    async def listen(self) -> None:
        where = [{"eventDestinationArn": self.topic}]
        await self.eum.put_whatsapp_business_account_event_destinations(
            id=ACCOUNT.eum_waba_id, eventDestinations=where
        )

    async def say(self, customer: str, **body: Any) -> dict[str, Any]:
        async with self.http.post(f"/_twin/customers/{customer}/messages", json=body) as answer:
            said: dict[str, Any] = await answer.json()
            assert answer.status == 201, said
            return said

    async def control(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        async with self.http.request(method, path, json=body or None) as answer:
            return answer.status, await answer.json()

    async def send(self, to: str, **parts: Any) -> str:
        body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "va"}} | parts
        answer = await self.eum.send_whatsapp_message(
            originationPhoneNumberId=PHONE, message=json.dumps(body).encode(), metaApiVersion="v24.0"
        )
        return str(answer["messageId"])

    async def receive(self, queue: str, count: int) -> list[dict[str, Any]]:
        got: list[dict[str, Any]] = []
        end = time.monotonic() + 15
        while len(got) < count and time.monotonic() < end:
            answer = await self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                got.append(json.loads(message["Body"]))
                await self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return got

    async def history(self) -> list[dict[str, Any]]:
        async with self.http.get("/_twin/history?after=0&bodies=1") as answer:
            return [json.loads(line) for line in (await answer.text()).splitlines()]

    async def until(self, kind: str, phase: str, count: int = 1) -> list[dict[str, Any]]:
        """Rows of a kind once there are enough, through the live stream."""
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(15), self.http.get("/_twin/history?after=0&follow=1") as answer:
            async for line in answer.content:
                row = json.loads(line)
                found += [row] if (row["kind"], row["phase"]) == (kind, phase) else []
                if len(found) >= count:
                    return found
        raise AssertionError(f"{len(found)} of {count} {kind} rows")


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
async def desk(
    stack: AsyncExitStack, ministack: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Desk:
    for service in ("SNS", "SQS", "S3"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", ministack)
    made = Desk(stack, ministack, prefix)
    await made.provision()
    await made.start(tmp_path, stack)
    return made


async def _refused(call: Any, name: str) -> None:
    with pytest.raises(ClientError) as wrong:
        await call
    assert wrong.value.response["Error"]["Code"] == name


async def test_the_account_reads_parse_with_the_service_model(desk: Desk) -> None:
    await desk.listen()
    (listed,) = (await desk.eum.list_linked_whatsapp_business_accounts())["linkedAccounts"]
    assert (listed["id"], listed["wabaId"]) == (ACCOUNT.eum_waba_id, ACCOUNT.waba_id)
    assert listed["eventDestinations"] == [{"eventDestinationArn": desk.topic}]
    account = (await desk.eum.get_linked_whatsapp_business_account(id=listed["id"]))["account"]
    assert account["linkDate"].year == 2023
    (number,) = account["phoneNumbers"]
    one = await desk.eum.get_linked_whatsapp_business_account_phone_number(id=number["phoneNumberId"])
    assert one["phoneNumber"] == number
    assert one["linkedWhatsAppBusinessAccountId"] == listed["id"]
    assert (await desk.eum.list_tags_for_resource(resourceArn=listed["arn"]))["tags"] == []
    await _refused(desk.eum.get_linked_whatsapp_business_account(id="waba-x"), "ResourceNotFoundException")
    await _refused(desk.eum.list_whatsapp_flows(id=listed["id"]), "UnknownOperationException")


@pytest.mark.parametrize(
    ("operation", "method", "arguments"),
    [
        ("ListLinkedWhatsAppBusinessAccounts", "list_linked_whatsapp_business_accounts", {}),
        (
            "GetLinkedWhatsAppBusinessAccount",
            "get_linked_whatsapp_business_account",
            {"id": ACCOUNT.eum_waba_id},
        ),
        (
            "GetLinkedWhatsAppBusinessAccountPhoneNumber",
            "get_linked_whatsapp_business_account_phone_number",
            {"id": PHONE},
        ),
    ],
)
async def test_answers_hold_what_the_model_requires(
    desk: Desk, operation: str, method: str, arguments: dict[str, str]
) -> None:
    answer = await getattr(desk.eum, method)(**arguments)
    del answer["ResponseMetadata"]
    shape = desk.eum.meta.service_model.operation_model(operation).output_shape
    assert ParamValidator().validate(answer, shape).generate_report() == ""


async def test_event_destinations_are_none_or_one_standard_topic(desk: Desk) -> None:
    put = desk.eum.put_whatsapp_business_account_event_destinations
    two = [{"eventDestinationArn": desk.topic}] * 2
    fifo = [{"eventDestinationArn": desk.topic + ".fifo"}]
    await _refused(put(id=ACCOUNT.eum_waba_id, eventDestinations=two), "ValidationException")
    await _refused(put(id=ACCOUNT.eum_waba_id, eventDestinations=fifo), "InvalidParametersException")
    await desk.listen()
    await put(id=ACCOUNT.waba_arn, eventDestinations=[])
    await desk.say("c001", text="nadie escucha")
    (row,) = await desk.until("published", "fail")
    assert row["code"] == "no_destination"


async def test_what_a_customer_says_comes_through_sns_as_documented(desk: Desk) -> None:
    await desk.listen()
    said = await desk.say("c001", type="image", text="mira")
    (envelope,) = await desk.receive(desk.queue, 1)
    assert set(envelope) - {"messageId"} == {
        "context",
        "whatsAppWebhookEntry",
        "aws_account_id",
        "message_timestamp",
    }
    entry = json.loads(envelope["whatsAppWebhookEntry"])
    (change,) = entry["changes"]
    (message,) = change["value"]["messages"]
    assert (entry["id"], change["field"]) == (ACCOUNT.waba_id, "messages")
    assert change["value"]["metadata"]["phone_number_id"] == ACCOUNT.pnid
    assert message["id"] == said["wamid"]
    assert said["nonce"] in message["image"]["caption"]
    rows = await desk.until("published", "ok")
    published = [
        r
        for r in await desk.history()
        if r["kind"] == "published" and r["phase"] == "invoke" and not r["destination"]
    ]
    assert json.loads(published[0]["body"]) == envelope
    assert {row["wamid"] for row in rows} == {said["wamid"]}
    (event,) = await desk.receive(desk.connect, 1)
    assert (event["source"], event["detail-type"]) == ("aws.social-messaging", "WhatsApp Message Received")


async def test_a_reply_is_answered_then_comes_back_as_statuses(desk: Desk) -> None:
    await desk.listen()
    await desk.say("c001", text="hola")
    sent = await desk.send("5215555000000", biz_opaque_callback_data="o_abc.1")
    rows = await desk.until("accepted", "ok")
    assert (rows[0]["remote_id"], rows[0]["attempt"]) == (sent, "o_abc.1")
    await desk.until("shown", "ok")
    envelopes = await desk.receive(desk.queue, 4)
    values = [c["value"] for e in envelopes for c in json.loads(e["whatsAppWebhookEntry"])["changes"]]
    statuses = [s for v in values for s in v.get("statuses", [])]
    assert {"accepted", "sent"} <= {s["status"] for s in statuses}
    assert {s["biz_opaque_callback_data"] for s in statuses} == {"o_abc.1"}


async def test_errors_of_sends_are_botocores_exceptions(desk: Desk) -> None:
    send = desk.eum.send_whatsapp_message
    plain = {"originationPhoneNumberId": PHONE, "metaApiVersion": "v24.0"}
    await _refused(send(message=b"{", **plain), "InvalidParametersException")
    other = plain | {"originationPhoneNumberId": "phone-number-id-other"}
    whole = b'{"messaging_product":"whatsapp","to":"1","type":"text","text":{"body":"x"}}'
    await _refused(send(message=whole, **other), "ResourceNotFoundException")
    await _refused(send(message=b"", **plain), "ValidationException")
    for kind, name in (
        ("throttle", "ThrottledRequestException"),
        ("error_after", "InternalServiceException"),
        ("dependency", "DependencyException"),
    ):
        await desk.control("POST", "/_twin/faults", kind=kind, rate=1)
        await _refused(send(message=whole, **plain), name)
        await desk.control("DELETE", "/_twin/faults")
    await desk.control("POST", "/_twin/faults", kind="reset_after", rate=1)
    with pytest.raises((HTTPClientError, EndpointConnectionError)):
        await send(message=whole, **plain)
    async with desk.http.post("/v1/whatsapp/send", json={}) as unsigned:
        assert unsigned.status == 403
        assert unsigned.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    taken = [r for r in await desk.history() if r["kind"] == "handed_over"]
    assert [r["wamid"] != "" for r in taken] == [True, True]
    _, counted = await desk.control("GET", "/_twin/violations")
    assert counted["by_code"] == {"InvalidParametersException": 1, "ValidationException": 1}


async def test_an_answer_later_than_the_timeout(desk: Desk) -> None:
    await desk.control("POST", "/_twin/faults", kind="timeout_after", rate=1, min_ms=4000, max_ms=4000)
    with pytest.raises(HTTPClientError):
        await desk.send("5215555000000")
    assert [r["kind"] for r in await desk.history()][:2] == ["accepted", "handed_over"]


async def test_media_lands_in_the_bucket_under_the_prefix(desk: Desk) -> None:
    said = await desk.say("c001", type="voice")
    written = next(r for r in await desk.history() if r["kind"] == "written")
    media_id = json.loads(written["body"])["audio"]["id"]
    place = {"bucketName": desk.bucket, "key": "incoming/i_1/0/"}
    get = desk.eum.get_whatsapp_message_media
    meta = await get(mediaId=media_id, originationPhoneNumberId=PHONE, metadataOnly=True)
    answer = await get(mediaId=media_id, originationPhoneNumberId=PHONE, destinationS3File=place)
    assert meta["mimeType"] == answer["mimeType"] == "audio/ogg; codecs=opus"
    (found,) = (await desk.s3.list_objects_v2(Bucket=desk.bucket, Prefix=place["key"]))["Contents"]
    assert found["Key"] == f"incoming/i_1/0/{media_id}.ogg"
    body = await (await desk.s3.get_object(Bucket=desk.bucket, Key=found["Key"]))["Body"].read()
    assert [sha256_hex(body)] == said["media_sha256"]
    assert len(body) == answer["fileSize"]
    both = {"destinationS3File": place, "metadataOnly": True}
    await _refused(
        get(mediaId=media_id, originationPhoneNumberId=PHONE, **both), "InvalidParametersException"
    )
    await _refused(
        get(mediaId="404", originationPhoneNumberId=PHONE, metadataOnly=True), "ResourceNotFoundException"
    )
    lost = {"bucketName": "no-such-bucket-here", "key": ""}
    await _refused(
        get(mediaId=media_id, originationPhoneNumberId=PHONE, destinationS3File=lost), "AccessDeniedException"
    )
    for kind, name in (
        ("media_error", "InternalServiceException"),
        ("media_denied", "AccessDeniedByMetaException"),
    ):
        await desk.control("POST", "/_twin/faults", kind=kind, rate=1)
        await _refused(get(mediaId=media_id, originationPhoneNumberId=PHONE, metadataOnly=True), name)
        await desk.control("POST", "/_twin/faults", kind=kind, rate=0)


async def test_an_upload_is_sent_and_deleted(desk: Desk) -> None:
    await desk.listen()
    await desk.say("c001", text="manda el documento")
    pdf = b"%PDF-1.4 prueba"
    await desk.s3.put_object(Bucket=desk.bucket, Key="uploads/u1", Body=pdf, ContentType="application/pdf")
    source = {"bucketName": desk.bucket, "key": "uploads/u1"}
    posted = await desk.eum.post_whatsapp_message_media(originationPhoneNumberId=PHONE, sourceS3File=source)
    await desk.send("5215555000000", type="document", document={"id": posted["mediaId"], "filename": "a.pdf"})
    (shown,) = await desk.until("shown", "ok")
    assert shown["media_sha256"] == [sha256_hex(pdf)]
    gone = await desk.eum.delete_whatsapp_message_media(
        mediaId=posted["mediaId"], originationPhoneNumberId=PHONE
    )
    assert gone["success"] is True
    again = desk.eum.delete_whatsapp_message_media(mediaId=posted["mediaId"], originationPhoneNumberId=PHONE)
    await _refused(again, "ResourceNotFoundException")
    await desk.s3.put_object(
        Bucket=desk.bucket, Key="uploads/u2", Body=b"MZ", ContentType="application/x-msdownload"
    )
    bad = {"bucketName": desk.bucket, "key": "uploads/u2"}
    await _refused(
        desk.eum.post_whatsapp_message_media(originationPhoneNumberId=PHONE, sourceS3File=bad),
        "InvalidParametersException",
    )


def _signed(url: str, expires_in: int = 60) -> str:
    policy = {"DateLessThan": {"AWS:EpochTime": int(time.time()) + expires_in}}
    text = json.dumps({"Statement": [{"Resource": url, "Condition": policy}]}, separators=(",", ":"))
    signer = CloudFrontSigner("K1", lambda data: KEY.sign(data, padding.PKCS1v15(), SHA1()))  # noqa: S303 - what CloudFront checks
    return str(signer.generate_presigned_url(url, policy=text))


async def test_the_cdn_serves_signed_urls_of_served_objects_only(desk: Desk) -> None:
    name = "served/ab/" + "ab" * 32 + "/original"
    data = bytes(range(256)) * 10
    await desk.s3.put_object(Bucket=desk.bucket, Key=name, Body=data, ContentType="text/html")
    await desk.s3.put_object(Bucket=desk.bucket, Key="incoming/x", Body=b"secret")
    url = f"{desk.url}/cdn/{name}"
    async with desk.http.get(_signed(url)) as answer:
        assert (answer.status, await answer.read()) == (200, data)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
        assert answer.headers["Content-Disposition"].startswith("attachment")
    async with desk.http.get(_signed(url), headers={"Range": "bytes=5-9"}) as answer:
        assert (answer.status, await answer.read()) == (206, data[5:10])
        assert answer.headers["Content-Range"] == "bytes 5-9/2560"
    async with desk.http.get(_signed(url), headers={"Range": "bytes=9999-"}) as answer:
        assert answer.status == 416
    async with desk.http.head(_signed(url)) as answer:
        assert (answer.status, answer.headers["Content-Length"]) == (200, "2560")
    refused = [
        url,
        _signed(url, -1),
        _signed(f"{desk.url}/cdn/incoming/x"),
        _signed(url.replace("ab/", "ac/", 1)),
    ]
    for one in refused:
        async with desk.http.get(one) as answer:
            assert answer.status == 403


async def test_receivers_check_signatures_and_keep_once(desk: Desk) -> None:
    await desk.control("POST", "/_twin/destinations", name="redes", secret=SECRET, mode="lost_answer")
    body = json.dumps({"type": "desk.message", "nonce": "n"})

    async def deliver(msg: str, *, secret: str = SECRET) -> int:
        from datetime import UTC, datetime  # noqa: PLC0415 - only here

        at = datetime.now(UTC)
        headers = {
            "webhook-id": msg,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(msg, at, body),
        }
        async with desk.http.post("/hooks/redes", data=body, headers=headers) as answer:
            return answer.status

    assert [await deliver("m1"), await deliver("m1")] == [500, 200]
    assert await deliver("m2", secret="whsec_" + base64.b64encode(b"x" * 24).decode()) == 401
    for mode, status in (("down", 503), ("429", 429), ("ok", 200)):
        await desk.control("POST", "/_twin/destinations", name="redes", mode=mode)
        assert await deliver("m3") == status
    _, shown = await desk.control("GET", "/_twin/destinations")
    assert [(d["received"], d["kept"], d["secret"]) for d in shown["destinations"]] == [(5, 2, "")]
    rows = [(r["phase"], r["remote_id"], r["code"]) for r in await desk.history() if r["kind"] == "received"]
    assert rows == [
        ("ok", "m1", "500"),
        ("info", "m1", "200"),
        ("fail", "m2", "401"),
        ("fail", "m3", "503"),
        ("fail", "m3", "429"),
        ("ok", "m3", "200"),
    ]


async def test_the_control_api_says_what_is_wrong(desk: Desk) -> None:
    for method, path, body, status in (
        ("POST", "/_twin/customers/nadie/messages", {"text": "x"}, 404),
        ("POST", "/_twin/customers/c001/messages", {"type": "poema"}, 400),
        ("POST", "/_twin/customers/c001/messages", {"type": "image", "file_base64": "%"}, 400),
        ("POST", "/_twin/faults", {"kind": "nada", "rate": 1}, 400),
        ("POST", "/_twin/faults", {"kind": "delay"}, 400),
        ("POST", "/_twin/destinations", {"name": "x"}, 400),
        ("POST", "/_twin/events", {"field": 1}, 400),
        ("GET", "/_twin/media/404", {}, 404),
    ):
        got, answer = await desk.control(method, path, **body)
        assert (got, bool(answer["error"])) == (status, True), path
    said = await desk.say("5215599999999", text="número nuevo")
    assert base64.b64decode(said["wamid"].removeprefix("wamid."))[3:16] == b"5215599999999"
    assert len((await desk.say("5215599999999", text="ráfaga", count=5))["messages"]) == 5


async def test_the_page_and_its_thread(desk: Desk) -> None:
    await desk.listen()
    await desk.say("c001", text="hola <b>")
    await desk.send("5215555000000")
    await desk.until("shown", "ok")
    for path, kind in (("/phone", "text/html"), ("/phone.js", "text/javascript"), ("/phone.css", "text/css")):
        async with desk.http.get(path) as answer:
            text = await answer.text()
            assert (answer.status, answer.content_type) == (200, kind)
            assert "http:" not in text.replace("http://www.w3.org", "")
            assert "//cdn" not in text
    _, thread = await desk.control("GET", "/_twin/customers/c001/thread")
    assert [(b["mine"], b["type"]) for b in thread["bubbles"]] == [(True, "text"), (False, "text")]
    async with asyncio.timeout(5), desk.http.get("/_twin/live") as answer:
        assert (await answer.content.readline()).startswith(b"data: ")


async def test_a_restart_goes_on_where_it_stopped(
    stack: AsyncExitStack, ministack: str, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("SNS", "SQS", "S3"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", ministack)
    desk = Desk(stack, ministack, prefix)
    await desk.provision()
    async with AsyncExitStack() as first:
        await desk.start(tmp_path, first)
        await desk.listen()
        await desk.control("POST", "/_twin/faults", kind="delay", rate=1, min_ms=2000, max_ms=2000)
        said = await desk.say("c001", text="antes")
    await desk.start(tmp_path, stack)
    (envelope,) = await desk.receive(desk.queue, 1)
    assert said["wamid"] in envelope["whatsAppWebhookEntry"]
    await desk.send("5215555000000")
    await desk.until("shown", "ok")
    _, counted = await desk.control("GET", "/_twin/violations")
    assert counted["total"] == 0
