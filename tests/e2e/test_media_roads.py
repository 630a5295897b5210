"""Files on the whole system: what agents upload reaches its customer bare, what customers say at length is written down."""

import asyncio
import base64
import hashlib
import io
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image

from local.plan import ACCOUNT
from local.system import System
from shared import topology
from shared.objects.cdn import served_key
from twin.core import files

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("system")]
PATIENCE_S = 60
SECRET = "Autora Secreta"


class Desk:
    """An agent at the desk, and the twin's own API."""

    def __init__(self, system: System, http: httpx.AsyncClient) -> None:
        self._system = system
        self._http = http
        self._auth = {"Authorization": f"Bearer {system.token('agent')}"}

    async def says(self, who: str, **what: Any) -> dict[str, Any]:
        """A customer says something; the message as the desk shows it, once it does."""
        twin = self._system.urls["twin"]
        person = {"id": who, "wa_id": who, "name": "Beto", "reads": True}
        await self._http.post(f"{twin}/_twin/customers", json=person)
        answer = await self._http.post(f"{twin}/_twin/customers/{who}/messages", json=what)
        answer.raise_for_status()
        wamid = answer.json()["wamid"]
        found: dict[str, Any] = await self.until(lambda: self._found(wamid))
        return found

    async def _found(self, wamid: str) -> dict[str, Any] | None:
        for conversation in (await self.get("/v1/conversations"))["conversations"]:
            page = await self.get(f"/v1/conversations/{conversation['conversation_id']}/messages")
            for message in page["messages"]:
                if (message["whatsapp"] or {}).get("id") == wamid:
                    found: dict[str, Any] = message
                    return found
        return None

    async def get(self, path: str) -> Any:
        answer = await self._http.get(self._system.urls["desk"] + path, headers=self._auth)
        answer.raise_for_status()
        return answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        headers = {**self._auth, "Idempotency-Key": uuid.uuid4().hex}
        answer = await self._http.post(self._system.urls["desk"] + path, headers=headers, json=body or None)
        assert answer.is_success, answer.text
        return answer.json()

    async def uploads(self, kind: str, mime: str, data: bytes) -> str:
        """A file's bytes put where the desk says, and handed over; the upload's id."""
        ticket = await self.post("/v1/uploads", kind=kind, mime=mime, size=len(data))
        put = await self._http.put(ticket["url"], headers=ticket["headers"], content=data)
        assert put.is_success, put.text
        await self.post(f"/v1/uploads/{ticket['upload_id']}/complete")
        return str(ticket["upload_id"])

    async def shown(self, after: int) -> list[dict[str, Any]]:
        """What customers saw of ours."""
        answer = await self._http.get(f"{self._system.urls['twin']}/_twin/history", params={"after": after})
        rows = [httpx.Response(200, text=line).json() for line in answer.text.splitlines()]
        return [row for row in rows if row["kind"] == "shown" and row["media_sha256"]]

    async def until(self, look: Callable[[], Awaitable[Any]]) -> Any:
        """What a look gives once it is true. Raises AssertionError."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if found := await look():
                return found
            await asyncio.sleep(0.3)
        raise AssertionError("it did not happen in time")


def photo() -> bytes:
    picture, exif, out = Image.effect_noise((640, 480), 70).convert("RGB"), Image.Exif(), io.BytesIO()
    exif[0x013B] = SECRET  # EXIF 2.3, Artist
    picture.save(out, "JPEG", exif=exif, quality=90)
    return out.getvalue()


async def test_a_photo_of_an_agent_reaches_its_customer_without_its_author(system: System) -> None:
    await system.open_newsroom()
    data = photo()
    assert SECRET.encode() in data
    async with httpx.AsyncClient(timeout=20) as http:
        desk = Desk(system, http)
        question = await desk.says("5215599990011", type="text", text="¿me mandas la foto?")
        upload_id = await desk.uploads("image", "image/jpeg", data)
        path = f"/v1/conversations/{question['conversation_id']}/messages"
        sent = (await desk.post(path, type="image", upload_id=upload_id))["messages"][0]
        (row,) = await desk.until(lambda: desk.shown(0))
        upload = await desk.get(f"/v1/uploads/{upload_id}")
        message = await desk.get(f"/v1/messages/{sent['message_id']}")
    assert upload["state"] == "ready"
    assert message["media"][0]["state"] == "ready"
    bucket = system.plan.naming.bucket(topology.MEDIA_BUCKET, ACCOUNT)
    key = served_key(hashlib.sha256(data).hexdigest(), "wa_image.jpg")
    made = system.clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert row["media_sha256"] == [hashlib.sha256(made).hexdigest()]
    assert SECRET.encode() not in made
    assert Image.open(io.BytesIO(made)).size == (640, 480)


async def test_what_cannot_be_sent_is_said_in_words(system: System) -> None:
    await system.open_newsroom()
    async with httpx.AsyncClient(timeout=20) as http:
        desk = Desk(system, http)
        upload_id = await desk.uploads("image", "image/jpeg", b"\xff\xd8\xff\xe0 no es una foto")

        async def over() -> Any:
            found = await desk.get(f"/v1/uploads/{upload_id}")
            return found if found["state"] not in {"open", "pending"} else None

        upload = await desk.until(over)
    assert upload["state"] == "failed"
    assert upload["explained"]["code"] == "unreadable"
    assert "Suba otra copia" in upload["explained"]["text"]


async def test_a_long_voice_note_is_written_down(system: System) -> None:
    await system.open_newsroom()
    note = base64.b64encode(files.ogg_opus("nota", 25)).decode()
    async with httpx.AsyncClient(timeout=20) as http:
        desk = Desk(system, http)
        message = await desk.says("5215599990012", type="voice", file_base64=note)

        async def written() -> Any:
            medium = (await desk.get(f"/v1/messages/{message['message_id']}"))["media"][0]
            return medium if medium["transcript"] else None

        medium = await desk.until(written)
        short = await desk.says("5215599990012", type="voice")
        settled = await desk.until(lambda: _ready(desk, short["message_id"]))
    assert medium["transcript"]["text"]
    assert medium["transcript"]["confidence"] > 50
    assert settled["transcript"] is None
    bucket = system.plan.naming.bucket(topology.MEDIA_BUCKET, ACCOUNT)
    left = system.clients("s3").list_objects_v2(Bucket=bucket, Prefix="transcripts/")
    assert left["KeyCount"] == 0


async def _ready(desk: Desk, message_id: str) -> Any:
    medium = (await desk.get(f"/v1/messages/{message_id}"))["media"][0]
    return medium if medium["state"] == "ready" and medium["renditions"] else None
