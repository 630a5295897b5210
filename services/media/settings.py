"""What media reads from the environment (CONTRACTS s.12)."""

from pydantic import Field

from shared.settings import Settings


class MediaSettings(Settings):
    """Settings of media."""

    concurrency: int = Field(8, ge=1, le=100, description="messages with media in progress at once, e.g. 8")
