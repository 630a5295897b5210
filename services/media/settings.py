"""What media reads from the environment (CONTRACTS s.12)."""

from typing import Literal

from pydantic import Field

from shared.settings import Settings


class MediaSettings(Settings):
    """Settings of media."""

    concurrency: int = Field(8, ge=1, le=100, description="messages with media in progress at once, e.g. 8")
    decoders: int = Field(
        2, ge=1, le=16, description="files decoded at once, e.g. 2 (each takes one processor)"
    )
    clamd: str = Field(
        "/run/clamav/clamd.ctl",
        min_length=1,
        description="clamd's socket, or its host:port, e.g. clamav:3310",
    )
    transcription: Literal["on", "off"] = Field(
        "on", description="on, or off where nothing may go to Amazon Transcribe"
    )
