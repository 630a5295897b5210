"""What a worker's call is named in the matrix, and what may happen to it: told from the wire alone."""

import json
import re
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from aiohttp import web

from tests.faultproxy import Call, Fault, drop_after, fail_with, operation, refuse

# Polls and watches that every worker makes at any time; a fault of theirs belongs to no message.
BACKGROUND = re.compile(
    r"^(GetQueueAttributes|GetQueueUrl|GetSecretValue|DescribeKey|Query due|(Query|GetItem) desk_log|GET /_)"
)
# Hashes with the folder made of their first two digits, ids, days.
_MINTED = re.compile(r"([0-9a-f]{2}/)?[0-9a-f]{16,}|[icoph]_[0-9A-Za-z]{20,}|\d{4}/\d{2}/\d{2}/.*")
Kill = Callable[[], Awaitable[None]]


def named(request: web.Request, body: bytes) -> str:
    """`TransactWriteItems ids+messages`, `DeleteMessageBatch ingest`, `PUT raw/raw/eum`, `POST /_bulk`."""
    what = operation(request, body)
    if "X-Amz-Target" in request.headers:
        return f"{what} {_object(json.loads(body))}".strip()
    if what.startswith(("GET", "PUT", "HEAD", "DELETE", "POST")):
        return f"{request.method} {_path(request.path)}"
    topic = parse_qs(body.decode()).get("TopicArn", [""])[0]
    return f"{what} {_short(topic.rpartition(':')[2])}"


def _object(asked: dict[str, object]) -> str:
    """Tables, or the queue."""
    text = json.dumps(asked)
    tables = set(re.findall(r'"TableName": "([^"]+)"', text)) | set(asked.get("RequestItems", {}))  # type: ignore[call-overload] # JSON
    if tables:
        return "+".join(sorted(map(_short, tables)))
    return _short(str(asked.get("QueueUrl", "")).rpartition("/")[2])


def _short(name: str) -> str:
    return name.removeprefix("local-")


def _path(path: str) -> str:
    """Without what is minted for each message: hashes, ids, times."""
    kept = [part for part in _MINTED.sub("~", path).split("/") if part]
    return "/" + "/".join(_short(part) for part in kept[:4])


def kill_before(kill: Kill) -> Fault:
    """The worker dies, and the call has no effect."""

    async def fault(call: Call) -> web.StreamResponse:
        await kill()
        return _gone(call)

    return fault


def kill_after(kill: Kill) -> Fault:
    """The call takes effect, and the worker dies before the answer."""

    async def fault(call: Call) -> web.StreamResponse:
        await call.forward()
        await kill()
        return _gone(call)

    return fault


def throttled() -> Fault:
    """Refused for its load, in the words of whoever is asked."""

    async def fault(call: Call) -> web.StreamResponse:
        if "X-Amz-Target" in call.request.headers or call.operation.startswith("Publish"):
            return await refuse("ThrottlingException")(call)
        if call.request.path.startswith("/v1/whatsapp"):
            headers = {"x-amzn-errortype": "ThrottledRequestException"}
            return web.json_response({"message": "on order"}, status=429, headers=headers)
        if call.request.path.startswith(("/hooks", "/_", "/local-desk")):
            return web.json_response({"error": "on order"}, status=429, headers={"Retry-After": "1"})
        return await refuse("SlowDown", 503)(call)

    return fault


def one_failed() -> Fault:
    """The first entry of a batch fails, the others take effect."""

    async def fault(call: Call) -> web.StreamResponse:
        if call.operation.startswith("PublishBatch"):
            return _publish_failed(call)
        if "_bulk" in call.request.path:
            return _bulk_failed(call)
        return _sqs_failed(call)

    return fault


def _sqs_failed(call: Call) -> web.StreamResponse:
    """All of them: whoever asked must take each entry's answer by itself."""
    failed = [
        {"Id": entry["Id"], "SenderFault": False, "Code": "InternalError", "Message": "on order"}
        for entry in json.loads(call.body)["Entries"]
    ]
    return web.json_response({"Failed": failed, "Successful": []}, content_type="application/x-amz-json-1.0")


def _publish_failed(call: Call) -> web.StreamResponse:
    ids = [values[0] for key, values in parse_qs(call.body.decode()).items() if key.endswith(".Id")]
    members = "".join(
        f"<member><Id>{each}</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member>"
        for each in ids
    )
    result = f"<PublishBatchResult><Successful/><Failed>{members}</Failed></PublishBatchResult>"
    return web.Response(
        text=f"<PublishBatchResponse>{result}</PublishBatchResponse>", content_type="text/xml"
    )


def _bulk_failed(call: Call) -> web.StreamResponse:
    rows = [json.loads(line) for line in call.body.splitlines() if line.strip()]
    actions = [
        (next(iter(row)), next(iter(row.values()))) for row in rows if {"index", "delete"} & row.keys()
    ]
    error = {"type": "es_rejected_execution_exception", "reason": "on order"}
    items = [{name: {**meta, "status": 429, "error": error}} for name, meta in actions]
    return web.json_response({"took": 1, "errors": True, "items": items})


def _gone(call: Call) -> web.Response:
    if call.request.transport is not None:
        call.request.transport.abort()
    return web.Response(status=500)  # nobody is there to read it


KILLS = ("killed before", "killed after")
COLUMNS = (*KILLS, "answer lost", "throttled", "5xx", "entries failed")


def columns(name: str) -> tuple[str, ...]:
    """The faults of a call: only a batch has entries that fail one by one."""
    return COLUMNS if "Batch " in name or "_bulk" in name else COLUMNS[:-1]


def faults(kill: Kill) -> dict[str, Fault]:
    """What happens, by column."""
    made = (kill_before(kill), kill_after(kill), drop_after(), throttled(), fail_with(500), one_failed())
    return dict(zip(COLUMNS, made, strict=True))
