"""One bucket of S3 through aiobotocore."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from shared import aws
from shared.objects.port import ObjectInfo, ObjectMissingError, ObjectsUnavailableError

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

PART = 8 * 1024 * 1024  # bytes; S3 asks for 5 MiB at least in all parts but the last
# S3 API reference, "Error responses"; 409 = another conditional write is going on, nothing known
_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_BUSY = frozenset(
    {"ConditionalRequestConflict", "OperationAborted", "RequestTimeout", "RequestTimeTooSkewed"}
)


class S3Objects:
    """Objects in a bucket.

    Args:
        client: aiobotocore's, from `shared.aws.open_client`.
        bucket: the deployed name.
    """

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    async def put(
        self,
        key: str,
        body: bytes,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        absent: bool = False,
    ) -> bool:
        """Store an object; with `absent` only where none exists (If-None-Match). False = it was there."""
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if absent else {}
        try:
            async with _told(key):
                await self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentType=content_type,
                    Metadata=metadata or {},
                    **condition,
                )
        except ClientError as error:
            if aws.code(error) == "PreconditionFailed":
                return False
            raise
        return True

    async def get(self, key: str) -> bytes:
        """The whole object. Raises ObjectMissingError."""
        return b"".join([chunk async for chunk in self.stream(key)])

    async def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        """The whole object and what is known of it, in one call. Raises ObjectMissingError."""
        async with _told(key):
            answer = await self._client.get_object(Bucket=self.bucket, Key=key)
            async with contextlib.aclosing(answer["Body"]) as body:
                return await body.read(), _info(key, answer)

    async def stream(self, key: str, chunk: int = 1 << 20) -> AsyncIterator[bytes]:
        """The object in chunks of at most `chunk` bytes. Raises ObjectMissingError."""
        async with _told(key):
            answer = await self._client.get_object(Bucket=self.bucket, Key=key)
            async with contextlib.aclosing(answer["Body"]) as body:
                async for piece in body.iter_chunks(chunk):
                    yield piece

    async def put_stream(
        self,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> int:
        """Store a stream, whole or not at all, with at most two parts in memory; answers its size."""
        parts = _parts(chunks)
        first = await anext(parts, b"")
        if len(first) < PART:
            await self.put(key, first, content_type=content_type, metadata=metadata)
            return len(first)
        async with _told(key):
            upload = await self._client.create_multipart_upload(
                Bucket=self.bucket, Key=key, ContentType=content_type, Metadata=metadata or {}
            )
        return await self._finish(key, upload["UploadId"], first, parts)

    async def copy(self, source: str, target: str, *, content_type: str | None = None) -> None:
        """Copy inside the bucket on the server. Raises ObjectMissingError."""
        change: dict[str, Any] = {}
        if content_type is not None:  # S3 copies either all metadata or none
            found = await self.head(source)
            kept = dict(found.metadata) if found else {}
            change = {"MetadataDirective": "REPLACE", "ContentType": content_type, "Metadata": kept}
        async with _told(source):
            await self._client.copy_object(
                Bucket=self.bucket, Key=target, CopySource={"Bucket": self.bucket, "Key": source}, **change
            )

    async def head(self, key: str) -> ObjectInfo | None:
        """What is stored under the key, or None."""
        try:
            async with _told(key):
                found = await self._client.head_object(Bucket=self.bucket, Key=key)
        except ObjectMissingError:
            return None
        return _info(key, found)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """All objects under a prefix in key order, without their type and metadata."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        async with _told(prefix):
            async for page in pages:
                for found in page.get("Contents", []):
                    yield ObjectInfo(found["Key"], found["Size"], found["ETag"].strip('"'))

    async def delete(self, key: str) -> None:
        """Remove an object; removing nothing is no error."""
        async with _told(key):
            await self._client.delete_object(Bucket=self.bucket, Key=key)

    async def _finish(self, key: str, upload: str, first: bytes, rest: AsyncIterator[bytes]) -> int:
        """All parts and the end of a multipart upload; a failure leaves nothing behind."""
        try:
            async with _told(key):
                return await self._upload(key, upload, first, rest)
        except BaseException:
            with contextlib.suppress(ObjectsUnavailableError):
                await self._abort(key, upload)
            raise

    async def _abort(self, key: str, upload: str) -> None:
        async with _told(key):
            await self._client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)

    async def _upload(self, key: str, upload: str, first: bytes, rest: AsyncIterator[bytes]) -> int:
        done: list[Any] = []
        size, part = 0, first
        while part:
            number = len(done) + 1
            answer = await self._client.upload_part(
                Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=part
            )
            done.append({"PartNumber": number, "ETag": answer["ETag"]})
            size += len(part)
            part = await anext(rest, b"")
        await self._client.complete_multipart_upload(
            Bucket=self.bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done}
        )
        return size


def _info(key: str, found: Any) -> ObjectInfo:
    """What the answer to a GetObject or HeadObject tells."""
    etag = found["ETag"].strip('"')
    return ObjectInfo(key, found["ContentLength"], etag, found["ContentType"], found["Metadata"])


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream cut into pieces of exactly PART bytes, the last one shorter."""
    held = bytearray()
    async for chunk in chunks:
        held += chunk
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


@contextlib.asynccontextmanager
async def _told(key: str) -> AsyncIterator[None]:
    """Turns a failed call into what the port promises; a misconfiguration goes through as it is."""
    try:
        yield
    except aiohttp.ClientError as error:  # a body cut short: the only one aiobotocore lets through
        raise ObjectsUnavailableError("the answer broke off") from error
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and aws.code(error) in _MISSING:
            raise ObjectMissingError(key) from error
        if _unanswered(error):
            raise ObjectsUnavailableError("no answer, throttled or a server fault") from error
        raise


def _unanswered(error: BotoCoreError | ClientError) -> bool:
    busy = isinstance(error, ClientError) and (aws.throttled(error) or aws.code(error) in _BUSY)
    return busy or aws.unavailable(error)
