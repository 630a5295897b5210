"""What people wrote, found in JSON."""

from twin.audit.history import leaves
from twin.audit.observed import Seen


def words(seen: Seen) -> str:
    """What a person wrote in a text or under a file."""
    part = seen.content.get(seen.type)
    return str(part.get("body") or part.get("caption") or "") if isinstance(part, dict) else ""


def strings(value: object) -> str:
    """Every string in a JSON value, a line each."""
    return "\n".join(part for part in leaves(value).values() if isinstance(part, str))
