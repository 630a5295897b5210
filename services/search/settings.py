"""What search reads from its environment."""

from pydantic import Field

from shared.settings import ApiSettings, OpenSearchSettings


class IndexerSettings(OpenSearchSettings):
    """The indexer's."""

    concurrency: int = Field(200, ge=1, le=1000, description="events handled at once, 1 to 1000")


class SearchApiSettings(ApiSettings, OpenSearchSettings):
    """The API's."""

    console_url: str = Field(
        "", description="the console's origin, e.g. https://mesa.example.org; empty = none"
    )
