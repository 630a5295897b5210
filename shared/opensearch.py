"""Clients of OpenSearch: as they are for the local engine, signed for Amazon OpenSearch.

Source: Amazon OpenSearch Service developer guide, "Signing HTTP requests"; opensearch-py, "Using AWS credentials to
connect to an Amazon OpenSearch Service domain" (AsyncHttpConnection with AWSV4SignerAsyncAuth).
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import structlog
from aiobotocore.session import AioSession
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import BotoCoreError
from opensearchpy import AsyncHttpConnection, AsyncOpenSearch, AWSV4SignerAsyncAuth

from shared.service import App
from shared.settings import OpenSearchSettings

S = TypeVar("S", bound=OpenSearchSettings)
REFRESH_S = 60.0  # botocore renews a role's credentials from 15 minutes before their end on
_log = structlog.get_logger("opensearch")


class TaskCredentials:
    """The role's credentials as the SDK gave them last: a signer cannot wait for them.

    Args:
        session: who knows where they come from.
    """

    def __init__(self, session: AioSession) -> None:
        self._session = session
        self._frozen: ReadOnlyCredentials | None = None

    async def refresh(self) -> None:
        """Ask the SDK; while it has no answer those of before serve on. Raises BotoCoreError where there are none."""
        try:
            held: Any = await self._session.get_credentials()
            self._frozen = await held.get_frozen_credentials() if held is not None else None
        except BotoCoreError as error:
            if self._frozen is None:
                raise
            _log.warning("credentials not renewed", error=type(error).__name__)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """What opensearch-py's signer asks for with each request. Raises LookupError where there are none."""
        if self._frozen is None:
            raise LookupError(
                "no AWS credentials: give the task a role, or set AWS_ACCESS_KEY_ID and its secret"
            )
        return self._frozen


@dataclass(frozen=True, slots=True)
class Signature:
    """How requests are signed: by whom, for which Region, for a domain (`es`) or a serverless collection (`aoss`)."""

    credentials: TaskCredentials
    region: str
    service: Literal["es", "aoss"]


async def open_search(app: App[S], **options: Any) -> AsyncOpenSearch:
    """The process's client as its settings say; closed with the app, its credentials kept fresh while that runs.

    Args:
        app: whose.
        options: of opensearch-py's client.
    """
    client = connect(app.settings.opensearch_url, await signature(app), **options)
    app.stack.push_async_callback(client.close)
    return client


async def signature(app: App[S]) -> Signature | None:
    """How requests are signed, if they are."""
    settings = app.settings
    if not settings.opensearch_sign:
        return None
    credentials = TaskCredentials(app.session)
    await credentials.refresh()
    app.every("credentials", REFRESH_S, credentials.refresh)
    return Signature(credentials, settings.region, settings.opensearch_sign)


def connect(url: str, signature: Signature | None = None, **options: Any) -> AsyncOpenSearch:
    """A client; whoever asks for it closes it.

    Args:
        url: OpenSearch's base URL.
        signature: None where the engine needs none.
        options: of opensearch-py's client.
    """
    if signature is None:
        return AsyncOpenSearch(hosts=[url], **options)
    auth = AWSV4SignerAsyncAuth(signature.credentials, signature.region, signature.service)
    return AsyncOpenSearch(hosts=[url], connection_class=AsyncHttpConnection, http_auth=auth, **options)
