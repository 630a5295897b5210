"""Settings: read once, and bad ones named with their remedy, never with their value."""

import pytest
from pydantic import ValidationError

from shared.settings import ApiSettings, Settings, SettingsError, load


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENV", "PREFIX", "ACCOUNT", "WABAS", "NUMBERS", "OPS_PORT", "BIND", "LOG_LEVEL", "REGION"):
        monkeypatch.delenv(f"CDMX_{name}", raising=False)


def test_defaults_are_local_and_closed() -> None:
    settings = load(Settings)
    assert settings.bind == "127.0.0.1"
    assert settings.naming.name("ingest") == "dev-ingest"


def test_lists_and_pairs_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CDMX_WABAS", "111, 222,")
    monkeypatch.setenv("CDMX_NUMBERS", "321=phone-number-id-a, 654 = phone-number-id-b")
    settings = load(Settings)
    assert settings.wabas == ("111", "222")
    assert settings.numbers == {"321": "phone-number-id-a", "654": "phone-number-id-b"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CDMX_OPS_PORT", "eighty", "port of /healthz"),
        ("CDMX_OPS_PORT", "70000", "port of /healthz"),
        ("CDMX_ACCOUNT", "hunter2", "12 digits"),
        ("CDMX_NUMBERS", "321", "<meta phone number id>=<EUM phone-number-id>"),
        ("CDMX_LOG_LEVEL", "loud", "debug, info, warning or error"),
        ("CDMX_PREFIX", "dev", "ends in -"),
        ("CDMX_BIND", "", "127.0.0.1"),
    ],
)
def test_a_bad_variable_is_named_with_its_remedy(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load(Settings)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert says in line
    assert not value or value not in line.replace("dev-", "")


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load(ApiSettings)
    names = [line.partition(":")[0] for line in str(caught.value).splitlines()]
    assert names == ["CDMX_OIDC_ISSUER", "CDMX_OIDC_JWKS_URL", "CDMX_OIDC_AUDIENCE"]


def test_settings_do_not_change() -> None:
    settings = load(Settings)
    with pytest.raises(ValidationError):
        settings.bind = "0.0.0.0"  # type: ignore[misc] # that it is refused is the point
