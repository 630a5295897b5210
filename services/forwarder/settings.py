"""What the forwarder and the gateway read from the environment (CONTRACTS s.12)."""

from pydantic import Field

from shared.settings import CdnSettings, Settings


class GatewaySettings(Settings):
    """Settings of the gateway."""

    meta_api_version: str = Field(
        "v24.0", pattern=r"^v\d{1,3}\.\d$", description="Meta's API version for sends, e.g. v24.0"
    )
    concurrency: int = Field(16, ge=1, le=200, description="lanes in progress at once, e.g. 16")


class ForwarderSettings(CdnSettings):
    """Settings of the router and deliverer."""

    cdn_private_key: str = Field(
        min_length=1, description="the CDN's private key in PEM, or the path of its file"
    )
    webhook_loopback: bool = Field(
        default=False, description="true where destinations on this machine may be called over http"
    )
    hold_ms: int = Field(500, ge=0, le=5000, description="how long a message waits for older ones, in ms")
    destination_limit: int = Field(
        8, ge=1, le=100, description="calls in progress at once to one destination, e.g. 8"
    )
    concurrency: int = Field(100, ge=1, le=500, description="events in progress at once, e.g. 100")
