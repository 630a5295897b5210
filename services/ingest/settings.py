"""What ingest reads from the environment (CONTRACTS s.12)."""

from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from shared.settings import ConnectSettings


class IngestSettings(ConnectSettings):
    """Settings of ingest."""

    portfolio: str = Field(
        "", description="our business portfolio's id at Meta; empty = the first of CDMX_WABAS stands for it"
    )
    connect_instances: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="ids of our Amazon Connect instances, separated by commas"
    )
    retention_days: int = Field(400, ge=90, description="days a message is kept, 90 or more")
    concurrency: int = Field(16, ge=1, le=200, description="envelopes in progress at once, e.g. 16")

    @field_validator("connect_instances", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @property
    def bsuid_scope(self) -> str:
        """What a business-scoped user id is unique in."""
        return self.portfolio or (self.wabas[0] if self.wabas else "")
