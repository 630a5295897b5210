"""What docker-compose.yml must keep to, as one function a rule: model in, findings out."""

from collections.abc import Callable, Mapping
from typing import Any

Model = Mapping[str, Any]
Rule = Callable[[str, Mapping[str, Any], Model], list[str]]

# Of the Compose Specification's service keys, those this file uses; a misspelt one is not among them.
KNOWN = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "network_mode",
    "ports",
    "profiles",
    "read_only",
    "restart",
    "security_opt",
    "stop_grace_period",
    "tmpfs",
    "user",
    "volumes",
}
HEALTH = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}
FOREIGN = {"opensearch"}  # an image we do not build decides itself what it writes
_SECRET_WORDS = ("SECRET", "TOKEN", "PASSWORD", "PEPPER", "PRIVATE", "CREDENTIAL")
_HARMLESS = "test"  # what the emulator takes for credentials


def once(service: Mapping[str, Any]) -> bool:
    """Whether it does one thing and ends."""
    return "command" in service


def host_of(image: str) -> bool:
    """Whether an image's name begins with the host of a registry."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def keys(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    unknown = set(service) - KNOWN | set(service.get("healthcheck", {})) - HEALTH
    return [f"unknown key {key}" for key in sorted(unknown)]


def loopback(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    wrong = [port for port in service.get("ports", []) if not str(port).startswith("127.0.0.1:")]
    mode = service.get("network_mode", "")
    shared = [f"network_mode {mode}"] if mode and not mode.startswith("service:") else []
    return [f"port {port} is published beyond loopback" for port in wrong] + shared


def health(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    if once(service):
        return [] if service.get("restart") == "no" else ["a one-shot service must not restart"]
    return [] if "healthcheck" in service else ["no healthcheck"]


def waits(_name: str, service: Mapping[str, Any], model: Model) -> list[str]:
    found = []
    for target, how in service.get("depends_on", {}).items():
        other = model["services"].get(target)
        if other is None:
            found.append(f"waits for {target}, which is no service")
            continue
        fitting = "service_completed_successfully" if once(other) else "service_healthy"
        if how["condition"] != fitting:
            found.append(f"must wait for {target} with {fitting}")
    return found


def namespaces(_name: str, service: Mapping[str, Any], model: Model) -> list[str]:
    target = str(service.get("network_mode", "")).removeprefix("service:")
    if not target:
        return []
    found = [] if target in model["services"] else [f"shares the network of {target}, which is no service"]
    found += [f"{key} belongs to {target}" for key in ("ports", "networks") if key in service]
    return found + ([] if target in service.get("depends_on", {}) else [f"does not wait for {target}"])


def confined(name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    user = str(service.get("user", "0")).partition(":")[0]
    found = ["runs as root"] if user in {"0", "root"} else []
    found += [] if service.get("cap_drop") == ["ALL"] else ["keeps capabilities"]
    found += [] if "no-new-privileges:true" in service.get("security_opt", []) else ["may gain privileges"]
    return found + ([] if service.get("read_only") or name in FOREIGN else ["writes to its own image"])


def grace(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    return (
        [] if once(service) or service.get("stop_grace_period") == "120s" else ["is killed while it drains"]
    )


def volumes(_name: str, service: Mapping[str, Any], model: Model) -> list[str]:
    mounted = [str(one).partition(":")[0] for one in service.get("volumes", [])]
    return [f"{name} is no named volume" for name in mounted if name not in model["volumes"]]


def images(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    return [f"image {service['image']} names a registry's host"] if host_of(service["image"]) else []


def secrets(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    given = service.get("environment", {})
    named = {key: str(value) for key, value in given.items() if any(word in key for word in _SECRET_WORDS)}
    kept = {key for key, value in named.items() if value != _HARMLESS and not value.startswith(("/", "http"))}
    return [f"{key} holds a secret" for key in sorted(kept)]


def text(_name: str, service: Mapping[str, Any], _model: Model) -> list[str]:
    """Numbers and booleans are written as the text the process will read."""
    given = service.get("environment", {})
    return [f"{key} is no text" for key, value in sorted(given.items()) if not isinstance(value, str)]


RULES: tuple[Rule, ...] = (
    keys,
    loopback,
    health,
    waits,
    namespaces,
    confined,
    grace,
    volumes,
    images,
    secrets,
    text,
)


def unused(model: Model) -> list[str]:
    """Volumes that nobody mounts."""
    services = model["services"].values()
    mounted = {str(one).partition(":")[0] for service in services for one in service.get("volumes", [])}
    return [f"volume {name} is not used" for name in sorted(set(model["volumes"]) - mounted)]


def waves(model: Model) -> list[list[str]]:
    """Services by when they may start: each wave waits for those before it only.

    Raises ValueError where services wait for each other.
    """
    waiting = {name: set(one.get("depends_on", {})) for name, one in model["services"].items()}
    found: list[list[str]] = []
    while waiting:
        started = {name for wave in found for name in wave}
        free = [name for name, targets in waiting.items() if targets <= started]
        if not free:
            raise ValueError(f"wait for each other: {', '.join(waiting)}")
        found.append(free)
        waiting = {name: targets for name, targets in waiting.items() if name not in free}
    return found


def findings(model: Model) -> list[str]:
    """Everything wrong with a file."""
    services = model["services"].items()
    found = [f"{name}: {said}" for name, one in services for rule in RULES for said in rule(name, one, model)]
    return found + unused(model)
