"""Where EUM Social puts and takes files: the caller's bucket, or a presigned URL of it."""

import io
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from twin.core.model import File, Media
from twin.restjson import AwsError

ENDINGS = {
    "image/jpeg": ".jpeg",
    "image/png": ".png",
    "image/webp": ".webp",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_FIRST_ERROR = 400  # HTTP


def object_key(prefix: str, media: Media) -> str:
    """Where EUM Social writes: the given key is a prefix, the media id and an ending follow it."""
    mime = media.file.mime.partition(";")[0].strip().lower()
    return f"{prefix}{media.id}{ENDINGS.get(mime, '.bin')}"


async def put(s3: Any, bucket: str, key: str, file: File) -> None:
    """Write a file. Raises AwsError as EUM Social would answer."""
    try:
        await s3.put_object(Bucket=bucket, Key=key, Body=io.BytesIO(file.data), ContentType=file.mime)
    except ClientError as wrong:
        raise AwsError("AccessDeniedException", f"s3:PutObject: {wrong.response['Error']['Code']}") from wrong
    except BotoCoreError as wrong:
        raise AwsError("DependencyException", type(wrong).__name__) from wrong


async def read(s3: Any, bucket: str, key: str) -> File:
    """Read a file. Raises AwsError as EUM Social would answer."""
    try:
        found = await s3.get_object(Bucket=bucket, Key=key)
        async with found["Body"] as stream:
            return File(await stream.read(), found.get("ContentType", ""), key.rpartition("/")[2])
    except ClientError as wrong:
        raise AwsError("AccessDeniedException", f"s3:GetObject: {wrong.response['Error']['Code']}") from wrong
    except BotoCoreError as wrong:
        raise AwsError("DependencyException", type(wrong).__name__) from wrong


async def put_presigned(url: str, headers: dict[str, str], file: File) -> None:
    """Write through a presigned URL. Raises AwsError."""
    async with (
        aiohttp.ClientSession() as session,
        session.put(url, headers=headers, data=io.BytesIO(file.data)) as answer,
    ):
        if answer.status >= _FIRST_ERROR:
            raise AwsError("AccessDeniedException", f"the presigned URL answered {answer.status}")


async def get_presigned(url: str, headers: dict[str, str]) -> File:
    """Read through a presigned URL; the header Content-Type is required (botocore model). Raises AwsError."""
    kind = {name.lower(): value for name, value in headers.items()}.get("content-type")
    if not kind:
        raise AwsError("InvalidParametersException", "headers: Content-Type is required")
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        if answer.status >= _FIRST_ERROR:
            raise AwsError("AccessDeniedException", f"the presigned URL answered {answer.status}")
        return File(await answer.read(), kind)
