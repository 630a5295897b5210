"""docker-compose.yml: its rules, and that it says the same as local/plan.py."""

import copy
from pathlib import Path
from typing import Any

import pytest

from local import ports, secrets
from local.compose.file import images, read
from local.engines import ministack
from local.engines.docker import IMAGES
from local.paths import ROOT
from local.plan import NAMES, SERVICES, TWIN, Plan, Program
from services.desk.settings import DeskSettings
from services.forwarder.settings import ForwarderSettings, GatewaySettings
from services.ingest.keeper.settings import KeeperSettings
from services.ingest.settings import IngestSettings
from services.media.settings import MediaSettings
from services.search.settings import IndexerSettings, SearchApiSettings
from shared.settings import Settings, load
from tests.integration import compose_rules as rules

SETTINGS: dict[str, type[Settings]] = {
    "ingest": IngestSettings,
    "keeper": KeeperSettings,
    "media": MediaSettings,
    "forwarder": ForwarderSettings,
    "gateway": GatewaySettings,
    "indexer": IndexerSettings,
    "search": SearchApiSettings,
    "desk": DeskSettings,
}
ONE_SHOT = {"init", "link", "settle", "tools"}
OF_THE_MACHINE = {"PATH", "HOME", "LANG", "TZ", "PYTHONPATH", "PYTHONUNBUFFERED"}
OF_THE_CONTAINER = {"CDMX_BIND", "CDMX_CLAMD", "CDMX_OPS_PORT", "CDMX_PORT"}
HOSTS = {"ministack": "ministack", "opensearch": "opensearch", "oidc": "oidc", "twin": "twin"}


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    return read()


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    state = tmp_path_factory.mktemp("plan")
    return Plan(state, ports.DEFAULTS, secrets.ensure(state), "local-", "http://127.0.0.1:9200", {})


def _environment(model: dict[str, Any], name: str) -> dict[str, str]:
    """A service's environment as it would be on one machine."""
    found: dict[str, str] = dict(model["services"][name].get("environment", {}))
    for row, host in HOSTS.items():
        address = f"127.0.0.1:{ports.DEFAULTS[row]}"
        found = {key: value.replace(f"{host}:{ports.DEFAULTS[row]}", address) for key, value in found.items()}
    return found


def test_it_keeps_every_rule(model: dict[str, Any]) -> None:
    assert rules.findings(model) == []


BROKEN: dict[str, tuple[str, Any]] = {
    "desk.prots": ("unknown key prots", []),
    "desk.healthcheck.tets": ("unknown key tets", []),
    "desk.ports": ("published beyond loopback", ["8001:8001"]),
    "search.ports": ("published beyond loopback", ["0.0.0.0:8002:8002"]),
    "ingest.network_mode": ("network_mode host", "host"),
    "media.healthcheck": ("no healthcheck", None),
    "link.restart": ("must not restart", "always"),
    "media.depends_on.nobody": ("no service", {"condition": "service_healthy"}),
    "media.depends_on.link": ("service_completed_successfully", {"condition": "service_started"}),
    "forwarder.network_mode": ("no service", "service:nobody"),
    "forwarder.ports": ("belongs to twin", ["127.0.0.1:1:1"]),
    "forwarder.depends_on": ("does not wait for twin", {}),
    "twin.user": ("runs as root", "0:0"),
    "gateway.cap_drop": ("keeps capabilities", []),
    "gateway.security_opt": ("may gain privileges", []),
    "gateway.read_only": ("writes to its own image", False),
    "ingest.stop_grace_period": ("killed while it drains", "10s"),
    "desk.volumes": ("no named volume", ["./.local:/state"]),
    "opensearch.image": ("registry's host", "registry.example.org/opensearch:3.3.2"),
    "desk.environment.CDMX_CDN_PRIVATE_KEY": ("holds a secret", "-----BEGIN PRIVATE KEY-----"),
    "desk.environment.AWS_SECRET_ACCESS_KEY": ("holds a secret", "wJalrXUtnFEMI"),
    "desk.environment.CDMX_OPS_PORT": ("no text", 9100),
}


@pytest.mark.parametrize("place", BROKEN)
def test_each_rule_finds_what_breaks_it(model: dict[str, Any], place: str) -> None:
    broken = copy.deepcopy(model)
    said, value = BROKEN[place]
    *way, last = place.split(".")
    at = broken["services"]
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    assert any(said in finding for finding in rules.findings(broken)), rules.findings(broken)


def test_a_forgotten_volume_and_a_circle_are_found(model: dict[str, Any]) -> None:
    broken = copy.deepcopy(model)
    broken["volumes"]["forgotten"] = None
    broken["services"]["ministack"]["depends_on"] = {"desk": {"condition": "service_healthy"}}
    assert rules.findings(broken) == ["volume forgotten is not used"]
    with pytest.raises(ValueError, match="wait for each other"):
        rules.waves(broken)


def test_it_starts_all_that_make_up_starts_and_what_prepares_it(model: dict[str, Any]) -> None:
    assert set(model["services"]) == {*NAMES, *ONE_SHOT}
    assert {name for name, service in model["services"].items() if rules.once(service)} == ONE_SHOT
    assert rules.waves(model)[0] == ["ministack", "opensearch", "clamd"]


def test_published_ports_are_those_of_make_up(model: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in model["services"].items() if "ports" in service}
    numbers = {name: ports.DEFAULTS[name] for name in published}
    assert published == {name: [f"127.0.0.1:{number}:{number}"] for name, number in numbers.items()}
    assert set(published) == {row for row in ports.DEFAULTS if not row.startswith("ops-")} - {"console"}


def test_ports_move_as_with_make() -> None:
    moved = read(environ={"CDMX_PORT_OIDC": "18600", "CDMX_PORT_TWIN": "18700"})["services"]
    assert moved["oidc"]["ports"] == ["127.0.0.1:18600:8600"]
    assert moved["desk"]["environment"]["CDMX_OIDC_ISSUER"] == "http://127.0.0.1:18600"
    assert moved["init"]["environment"]["CDMX_OIDC_ISSUER"] == "http://127.0.0.1:18600"
    assert moved["desk"]["environment"]["CDMX_OIDC_JWKS_URL"] == "http://oidc:8600/jwks"
    assert moved["desk"]["environment"]["CDMX_CDN_URL"] == "http://127.0.0.1:18700/cdn"


@pytest.mark.parametrize("program", SERVICES, ids=lambda program: program.name)
def test_each_program_is_an_image_of_its_own(model: dict[str, Any], program: Program) -> None:
    service = model["services"][program.name]
    args = service["build"]["args"]
    assert service["build"]["dockerfile"] == "deploy/Dockerfile"
    assert args.get("MODULE", f"services.{args['SERVICE']}") == program.module
    assert program.module.split(".")[1] == args["SERVICE"]
    assert (ROOT / "requirements" / f"{args['SERVICE']}.txt").exists()
    others = [other["image"] for name, other in model["services"].items() if name != program.name]
    assert service["image"] not in others


@pytest.mark.parametrize("program", SERVICES, ids=lambda program: program.name)
def test_each_program_gets_the_settings_it_knows_and_no_others(
    model: dict[str, Any], plan: Plan, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, given = SETTINGS[program.name], _environment(model, program.name)
    ours = {name: value for name, value in given.items() if name.startswith("CDMX_")}
    known = {f"CDMX_{field.upper()}" for field in kind.model_fields}
    assert set(ours) <= known
    wanted = {name: value for name, value in plan.service(program).env.items() if name in known}
    assert set(ours) == set(wanted) | {"CDMX_BIND"}
    same = set(wanted) - OF_THE_CONTAINER - {"CDMX_CDN_PRIVATE_KEY"}
    assert {name: ours[name] for name in same} == {name: wanted[name] for name in same}
    assert {name: value for name, value in given.items() if name.startswith("AWS_")} == plan.aws()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    read_back = load(kind)
    assert read_back.bind == "0.0.0.0"
    assert read_back.ops_port == 9100


def test_the_twin_and_the_emulator_get_what_make_up_gives_them(
    model: dict[str, Any], plan: Plan, tmp_path: Path
) -> None:
    twin, wanted = _environment(model, TWIN), dict(plan.twin().env)
    paths = {"TWIN_STATE_DIR", "TWIN_CDN_PUBLIC_KEY"}
    assert set(twin) == set(wanted) - OF_THE_MACHINE | {"TWIN_HOST"}
    same = set(twin) - paths - {"TWIN_HOST"}
    assert {name: twin[name] for name in same} == {name: wanted[name] for name in same}
    emulator = model["services"]["ministack"]["environment"]
    assert set(emulator) == set(ministack.server(4566, tmp_path).env) - OF_THE_MACHINE
    assert emulator["MINISTACK_HOST"] in model["services"]  # queue URLs carry it


def test_opensearch_is_the_one_the_tests_use(model: dict[str, Any]) -> None:
    service = model["services"]["opensearch"]
    assert service["image"] == IMAGES["opensearch"].name
    assert IMAGES["opensearch"].environment.items() <= service["environment"].items()


def test_each_container_sees_its_own_secrets_only(model: dict[str, Any]) -> None:
    seen: dict[str, set[str]] = {}
    for name, service in model["services"].items():
        for mount in service.get("volumes", []):
            seen.setdefault(mount.partition(":")[0], set()).add(name)
    assert seen == {
        "secrets": {"init", "settle", "tools"},
        "identity": {"init", "oidc"},
        "signing": {"init", "desk", "forwarder"},
        "trust": {"init", "twin"},
        "emulator": {"ministack", "init", "settle", "tools"},
        "opensearch": {"opensearch"},
        "twin": {"twin"},
    }


def test_what_is_built_is_counted_once(model: dict[str, Any]) -> None:
    names = [image.name for image in images(model)]
    assert len(names) == len(set(names))
    assert {name.partition("/")[2] for name in names} == {
        *(program.name for program in SERVICES),
        *("clamd", "emulator", "identity", "twin", "tools"),
    }
