"""Whether two versions of an event's schema understand each other, in both directions.

Services are deployed one after the other and events wait in queues for days, so old events meet new
consumers and new events meet old ones. A field may be added when it is not required; anything else (a field
gone, another type, another set of words, required or no longer required) needs a new `.v2` beside the old.
"""

import json
from typing import Any

_PROSE = frozenset({"title", "description", "default", "$schema", "$id", "$defs", "properties", "required"})


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of `new` a reader or writer of `old` would stumble over; empty where they understand each other."""
    before, after = _flat(old, old, ""), _flat(new, new, "")
    gone = [f"{path}: gone" for path in before if path not in after]
    changed = [
        f"{path}: was {before[path]}, is {after[path]}"
        for path in before
        if path in after and before[path] != after[path]
    ]
    added = [
        f"{path}: new and required"
        for path in after
        if path not in before and after[path].startswith("required")
    ]
    return [*gone, *changed, *added]


def _flat(schema: dict[str, Any], root: dict[str, Any], path: str) -> dict[str, str]:
    """Every field by its path: whether it is required, and what it may hold."""
    found: dict[str, str] = {}
    for name, member in schema.get("properties", {}).items():
        need = "required" if name in schema.get("required", ()) else "optional"
        where = f"{path}.{name}" if path else name
        found[where] = f"{need} {json.dumps(_shape(member, root), sort_keys=True)}"
        for inner in _objects(member, root):
            found.update(_flat(inner, root, where))
    return found


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def _shape(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    """The schema without prose; objects inside are compared field by field, elsewhere."""
    plain = {key: member for key, member in _resolved(schema, root).items() if key not in _PROSE}
    if "items" in plain:
        plain["items"] = _shape(plain["items"], root)
    if "anyOf" in plain:
        plain["anyOf"] = [_shape(one, root) for one in plain["anyOf"]]
    return plain


def _objects(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """Object schemas reachable without crossing another field: itself, its alternatives, its elements."""
    plain = _resolved(schema, root)
    inner = [*plain.get("anyOf", ()), *([plain["items"]] if isinstance(plain.get("items"), dict) else [])]
    own = [plain] if "properties" in plain else []
    return own + [found for one in inner for found in _objects(one, root)]
