"""Where things stand on this machine: downloads in `.tools`, state in `.local`, both beside the code."""

import hashlib
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(os.environ.get("CDMX_TOOLS_DIR", ROOT / ".tools"))
STATE = Path(os.environ.get("CDMX_STATE_DIR", ROOT / ".local"))
CHECKSUMS = ROOT / "local" / "checksums.txt"
REQUIREMENTS = ROOT / "requirements"

UNPRIVILEGED = 65534  # `nobody` on every Debian; OpenSearch refuses to run as root


def _open_to_all(directory: Path) -> bool:
    """Whether another user may walk down to this directory."""
    existing = [part for part in (directory, *directory.parents) if part.exists()]
    return all(part.stat().st_mode & 0o001 for part in existing)


def reachable(directory: Path) -> Path:
    """The directory itself, or its twin under the system's temporary directory.

    A server that root must start as `nobody` cannot read a checkout in a closed home directory. Two
    checkouts never share a twin: its name holds the hash of the path it stands for.
    """
    if os.geteuid() != 0 or _open_to_all(directory):
        return directory
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"cdmx-{name}"
