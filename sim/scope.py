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

# NOT_YET: composed by worlds in issue Record; this list must be empty when that issue is done.
_RECORD = "composed by worlds in issue Record"
NOT_YET = {
    "services/desk/origins.py": "reads of a message's detail, which no world asks for yet",
    "services/desk/transcripts.py": _RECORD,
    "services/desk/uploads.py": _RECORD,
    "services/ingest/archived.py": _RECORD,
    "services/ingest/keeper/": _RECORD,
    "services/media/beside.py": _RECORD,
    "services/media/budgets.py": _RECORD,
    "services/media/rereading.py": _RECORD,
    "services/media/transcription.py": _RECORD,
    "services/media/uploads.py": _RECORD,
    "shared/lease.py": _RECORD,
    "shared/record/erasure.py": _RECORD,
    "shared/record/files.py": _RECORD,
    "shared/record/holds.py": _RECORD,
    "shared/record/ledger.py": _RECORD,
    "shared/record/retention.py": _RECORD,
}


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
