"""docker-compose.yml as data: variables replaced by their defaults, anchors merged."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.paths import ROOT

FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+):-(?P<default>[^}]*)\}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image the file builds.

    Args:
        name: without its tag.
        dockerfile: path below the root.
        args: build arguments.
    """

    name: str
    dockerfile: str
    args: tuple[tuple[str, str], ...]


def read(path: Path = FILE, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The file's model. Raises ValueError where a variable has no default: the file must work as it is."""
    given = environ or {}
    text = _VARIABLE.sub(lambda found: given.get(found["name"]) or found["default"], path.read_text())
    if "${" in text:
        raise ValueError(f"{path.name}: write variables as ${{NAME:-default}}")
    model: dict[str, Any] = yaml.safe_load(text)
    return model


def images(model: Mapping[str, Any]) -> list[Image]:
    """Every image that is built, once, in the file's order."""
    built = [service for service in model["services"].values() if "build" in service]
    found = (
        Image(one["image"], one["build"]["dockerfile"], tuple(one["build"].get("args", {}).items()))
        for one in built
    )
    return list(dict.fromkeys(found))
