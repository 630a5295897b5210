"""What the desk reads from its environment (CONTRACTS s.12)."""

from pydantic import Field

from shared.settings import ApiSettings, CdnSettings


class DeskSettings(ApiSettings, CdnSettings):
    """The desk's."""

    cdn_private_key: str = Field(
        min_length=1, description="the CDN's private key in PEM, or the path of its file"
    )
    console_url: str = Field(
        "", description="the console's origin, e.g. https://mesa.example.org; empty = none"
    )
    uploads_url: str = Field(
        "", description="S3's base URL as browsers reach it; empty = as the desk itself reaches it"
    )
    webhook_loopback: bool = Field(
        default=False, description="true where destinations on this machine may be called over http"
    )
    retention_days: int = Field(400, ge=90, le=3650, description="days a message lives, 90 to 3650")
    concurrency: int = Field(50, ge=1, le=500, description="events in progress at once, e.g. 50")
