"""Signed addresses of the media bucket, for a browser to put one file at.

Source: Amazon S3 user guide, "Uploading objects with presigned URLs"; Signature Version 4, for buckets under KMS take no
other. Length, type and `If-None-Match: *` are signed: other bytes, or a second time, S3 refuses by itself.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.session import AioSession

from shared import aws


class S3Tickets:
    """Signs PUTs.

    Args:
        client: `s3` that signs with Signature Version 4.
        bucket: the deployed name.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def put(self, key: str, mime: str, size: int, ttl_s: int) -> tuple[str, Mapping[str, str]]:
        """URL and headers of a PUT of exactly these bytes' number and type, where no object is yet.

        The browser adds Content-Length by itself.
        """
        said = {"ContentType": mime, "ContentLength": size, "IfNoneMatch": "*"}
        params = {"Bucket": self._bucket, "Key": key, **said}
        url = await self._client.generate_presigned_url("put_object", Params=params, ExpiresIn=ttl_s)
        return url, {"Content-Type": mime, "If-None-Match": "*"}


async def open_tickets(
    stack: AsyncExitStack, session: AioSession, region: str, bucket: str, address: str
) -> S3Tickets:
    """A signer that lives until the stack closes; it never calls anybody.

    Args:
        stack: closes it.
        session: the process's own, which has read S3's model already.
        region: of the bucket.
        bucket: the deployed name.
        address: S3's, as browsers reach it; empty = as this process does.
    """
    create: Any = session.create_client  # typed by literal service names only
    signing = aws.config(attempts=1, signature_version="s3v4")
    client = create("s3", region_name=region, endpoint_url=address or None, config=signing)
    return S3Tickets(await stack.enter_async_context(client), bucket)
