"""The CDN from the keeper's side, on CloudFront."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from services.ingest.keeper.ports import EdgesUnavailableError


class CloudFront:
    """Invalidations of one distribution.

    Source: Amazon CloudFront API reference, CreateInvalidation: the same CallerReference with the same paths answers
    the invalidation that there is.

    Args:
        client: `cloudfront`, owned by the composition root.
        distribution: its id.
    """

    def __init__(self, client: Any, distribution: str) -> None:
        self._client = client
        self._distribution = distribution

    async def forget(self, paths: Sequence[str], reference: str) -> None:
        """Ask for an invalidation."""
        batch = {"Paths": {"Quantity": len(paths), "Items": list(paths)}, "CallerReference": reference}
        try:
            await self._client.create_invalidation(DistributionId=self._distribution, InvalidationBatch=batch)
        except (BotoCoreError, ClientError) as error:
            raise EdgesUnavailableError(type(error).__name__) from error
