"""The handler that waits for nothing: both JSON layers parsed with pydantic, the message's number written down.

The same file serves every consumer, in either virtual environment: it imports pydantic and nothing of ours.
"""

import os
import struct
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Layer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Outer(_Layer):
    entry: str = Field(alias="whatsAppWebhookEntry")
    stamp: str = Field(alias="message_timestamp")
    context: dict[str, list[dict[str, str]]]


class _Text(_Layer):
    body: str


class _Message(_Layer):
    id: str
    sender: str = Field(alias="from")
    timestamp: int
    type: str
    text: _Text | None = None


class _Contact(_Layer):
    wa_id: str
    profile: dict[str, str]


class _Value(_Layer):
    messaging_product: str
    metadata: dict[str, str]
    contacts: list[_Contact] = []
    messages: list[_Message] = []
    statuses: list[dict[str, Any]] = []


class _Change(_Layer):
    field: str
    value: _Value


class _Entry(_Layer):
    id: str
    changes: list[_Change]


def parsed(body: str) -> int:
    """The number of the message in an envelope."""
    outer = _Outer.model_validate_json(body)
    entry = _Entry.model_validate_json(outer.entry)
    return int(entry.changes[0].value.messages[0].id.rpartition(".")[2])


def recorder() -> Callable[[str], None]:
    """Handles a body: parses it and appends its number to the file BENCH_RECORD, 8 bytes each."""
    file = os.open(os.environ["BENCH_RECORD"], os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def handle(body: str) -> None:
        os.write(file, struct.pack("<Q", parsed(body)))

    return handle


def recorded(path: str) -> list[int]:
    """The numbers in a record file, in order; the last one may be half written."""
    with open(path, "rb") as file:  # noqa: PTH123 - one call, in the peers' process too
        data = file.read()
    return [number for (number,) in struct.iter_unpack("<Q", data[: len(data) // 8 * 8])]
