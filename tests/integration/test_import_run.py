"""`cdmx import` on real engines: an export with a file goes in, again, and out again; the rate is in its answer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.provision import Provisioned, clients
from tests.unit.imports.newsroom import write
from tests.unit.record.world import PNID

ROOT = Path(__file__).parents[2]
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 100
pytestmark = pytest.mark.engines


def cdmx(endpoint: str, made: Provisioned, *words: object) -> "subprocess.CompletedProcess[str]":
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": endpoint,
        "CDMX_ENV": "test",
        "CDMX_PREFIX": made.naming.prefix,
        "CDMX_ACCOUNT": made.account,
        "CDMX_NUMBERS": f"{PNID}=phone-number-id-1",
    }
    command = [sys.executable, "-m", "ops", "import", *map(str, words)]
    return subprocess.run(  # noqa: S603 - our own command
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False
    )


def test_an_export_goes_in_once_and_out_again(
    ministack: str, provisioned: Provisioned, tmp_path: Path
) -> None:
    aws = clients(ministack)
    lines = [
        f"{13 + n // 100}/3/24, {9 + n % 10}:{n % 60:02d} - {'Ana' if n % 3 else 'Redacción'}: línea {n}"
        for n in range(300)
    ]
    lines.append("16/3/24, 22:00 - Ana: IMG-20240316-WA0001.jpg (archivo adjunto)")
    path = write(tmp_path / "Chat de WhatsApp con Ana.zip", lines, {"IMG-20240316-WA0001.jpg": JPEG})
    done = cdmx(ministack, provisioned, path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["messages"], found["media"], found["rejected"]) == (300, 1, 0)
    assert found["outcomes"] == {"new": 301}
    assert found["unmatched"] == ["Ana"]
    assert found["messages_per_second"] > 0

    def items(table: str) -> list[dict[str, Any]]:
        pages = aws("dynamodb").get_paginator("scan").paginate(TableName=provisioned.naming.name(table))
        return [item for page in pages for item in page["Items"]]

    messages = items("messages")
    assert len(messages) == 301
    assert {item["source"]["S"] for item in messages} == {"import"}
    (photo,) = [item for item in messages if item["type"]["S"] == "image"]
    bucket = provisioned.naming.bucket("media", provisioned.account)
    key = f"incoming/{photo['message_id']['S']}/0/file"
    assert aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read() == JPEG
    again = cdmx(ministack, provisioned, path)
    assert again.returncode == 0, again.stderr
    assert len(items("messages")) == 301
    assert found["run"] in again.stdout.splitlines()[-1]
    undone = cdmx(ministack, provisioned, "--undo", found["run"])
    assert undone.returncode == 0, undone.stderr
    assert "301 removed" in undone.stdout
    assert items("messages") == items("conversations") == items("contacts") == []
    assert aws("s3").list_objects_v2(Bucket=bucket, Prefix="incoming/").get("KeyCount") == 0
