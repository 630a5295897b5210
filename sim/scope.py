"""Which of the product's files a world runs, and so whose side effects it must disturb."""

from functools import cache
from pathlib import Path

from sim.cells import Fault, Site, sites

ROOT = Path(__file__).resolve().parent.parent
# What no world composes, each with its reason.
OUTSIDE = {
    "adapters": "one technology each, held to their port by the contract suites",
    "memory.py": "the fakes themselves",
    "api": "HTTP endpoints: the reads of a request, repeated by whoever asked",
    "imported.py": "an operator's command, `cdmx import`: a killed one is typed again and goes on, which its tests do",
    "parting.py": "an operator's command, `cdmx contacts`: one transaction, typed again where it found others at work",
    "jwks.py": "who the HTTP caller is: the identity provider's keys, read for a request and kept nowhere",
}

# Files that no world composes yet, or folders (`name/`), each with the issue that will.
NOT_YET: dict[str, str] = {}


def files() -> list[str]:
    """The product's source files in scope, sorted."""
    return [name for name in _inside() if not name.startswith(tuple(NOT_YET))]


def left_out() -> int:
    """How many cells of files that are still to be composed are in no figure."""
    return len(Fault) * len(sites(ROOT, [name for name in _inside() if name.startswith(tuple(NOT_YET))]))


def _inside() -> list[str]:
    found = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in found if not OUTSIDE.keys() & set(path.parts))


@cache
def by_file() -> dict[str, list[Site]]:
    """Every awaited side effect in scope, by file."""
    found: dict[str, list[Site]] = {}
    for site in sites(ROOT, files()):
        found.setdefault(site.path, []).append(site)
    return found


@cache
def cells() -> list[tuple[Site, Fault]]:
    """The whole matrix, in a fixed order."""
    return [(site, fault) for listed in by_file().values() for site in listed for fault in Fault]
