"""Settings from the environment, read once in each `__main__`.

A service's own settings.py combines `Settings` with the parts it needs, and is instantiated by `load`. Names
and meanings: CONTRACTS s.12. CDMX_ENV and CDMX_PREFIX name things; they never change behaviour.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.topology import Naming

_Names = Annotated[tuple[str, ...], NoDecode]
_Pairs = Annotated[Mapping[str, str], NoDecode]


class SettingsError(Exception):
    """Some variables are missing or wrong; the message names each and its remedy, and shows no value."""


class Settings(BaseSettings):
    """What every service knows."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="CDMX_", extra="ignore", hide_input_in_errors=True
    )

    env: str = Field("dev", pattern=r"^[a-z][a-z0-9]{0,15}$", description="a short lower-case name, e.g. dev")
    region: str = Field("us-east-1", pattern=r"^[a-z0-9-]+$", description="an AWS Region, e.g. us-east-1")
    prefix: str = Field(
        "dev-",
        pattern=r"^([a-z][a-z0-9-]{0,19}-)?$",
        description="a lower-case prefix that ends in -, e.g. dev-",
    )
    account: str = Field(
        "000000000000", pattern=r"^\d{12}$", description="the 12 digits of the AWS account the system runs in"
    )
    wabas: _Names = Field((), description="our WhatsApp Business Account ids at Meta, separated by commas")
    numbers: _Pairs = Field(
        default_factory=dict,
        description="our numbers as <meta phone number id>=<EUM phone-number-id>, separated by commas",
    )
    bind: str = Field("127.0.0.1", min_length=1, description="the address to listen on, e.g. 127.0.0.1")
    ops_port: int = Field(
        0, ge=0, le=65535, description="port of /healthz, /readyz and /metrics; 0 = any free"
    )
    due_period_s: float = Field(
        0.25,
        gt=0,
        le=5,
        description="seconds between two looks for work that has a time, e.g. 0.25; each is a read",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="debug, info, warning or error"
    )

    @field_validator("wabas", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("numbers", mode="before")
    @classmethod
    def _split_pairs(cls, value: Any) -> Any:
        return dict(_pair(part) for part in _parts(value)) if isinstance(value, str) else value

    @property
    def naming(self) -> Naming:
        """The names of deployed resources."""
        return Naming(self.prefix)


class ApiSettings(Settings):
    """What an HTTP API knows besides."""

    port: int = Field(8080, ge=0, le=65535, description="the API's port; 0 = any free")
    oidc_issuer: str = Field(description="the identity provider's issuer, as in the tokens' iss")
    oidc_jwks_url: str = Field(description="the URL of the identity provider's JWKS")
    oidc_audience: str = Field(description="the audience that tokens must name")


class ConnectSettings(Settings):
    """What a service knows of Amazon Connect."""

    connect: Literal["off", "routed", "all"] = Field("routed", description="off, routed or all")


class CdnSettings(Settings):
    """What a service that signs media URLs knows."""

    cdn_url: str = Field(
        pattern=r"^https?://", description="the CDN's base URL, e.g. https://media.example.org"
    )
    cdn_key_id: str = Field(min_length=1, description="id of the CDN's public key")


class OpenSearchSettings(Settings):
    """What a service that searches or indexes knows."""

    opensearch_url: str = Field(pattern=r"^https?://", description="OpenSearch's base URL")
    opensearch_sign: Literal["", "es", "aoss"] = Field(
        "",
        description="es or aoss where requests are signed (Amazon OpenSearch, or its serverless form), else empty",
    )


S = TypeVar("S", bound=Settings)


def load(kind: type[S], **overrides: Any) -> S:
    """Read `kind` from the environment. Raises SettingsError naming each bad variable and its remedy."""
    try:
        return kind(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_remedies(kind, error))) from None


def _remedies(kind: type[Settings], error: ValidationError) -> list[str]:
    """One line a variable; no value is shown, for it may be a secret in the wrong place."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        known = kind.model_fields.get(name)
        wanted = known.description if known is not None else None
        lines.append(f"CDMX_{name.upper()}: {problem['msg']}. Set it to {wanted or 'a valid value'}.")
    return list(dict.fromkeys(lines))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = (part.strip() for part in text.partition("="))
    if not (left and equals and right):
        raise ValueError("each entry must be <meta id>=<eum id>")
    return left, right
