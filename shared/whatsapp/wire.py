"""The base of every model of foreign JSON: tolerant in what it reads, exact in what it keeps.

Members we know are typed by their wire name; members we do not know stay beside them (`extra="allow"`), so
`dump` gives back every leaf that came in. Types are strict: "12" is never silently made 12.
"""

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, Self, TypeGuard, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import Poison

MAX_ID_CHARS = 512  # ours: Meta's longest documented id is a BSUID, 3 + 128 characters; a real wamid has ~60
MAX_DEPTH = 48  # ours: Meta's deepest documented payload nests 12; pydantic's serializer gives up at 255
_INT64 = 1 << 63
_MAX_LABEL = 128
_NESTED = (BaseModel, list)

_NAME = re.compile(r"[A-Za-z_][\w-]{0,63}")

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARS)]
Stamp = str | int  # Meta writes seconds as a string in messages and as a number in account events
Code = int | str
Number = int | float
Scalar = str | int | float | bool
ModelT = TypeVar("ModelT", bound=BaseModel)


class Wire(BaseModel):
    """A JSON object from outside; `None` and "absent" stay different through `model_fields_set`."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True, protected_namespaces=())


class AliasedWire(Wire):
    """A model whose Python names differ from the wire's: a member by the Python name would be taken for ours."""

    @model_validator(mode="after")
    def _no_python_names(self) -> Self:
        extra = self.model_extra
        if extra and not type(self).model_fields.keys().isdisjoint(extra):
            raise ValueError("a member has the name of one of our attributes")
        return self


def dump(model: BaseModel) -> dict[str, Any]:
    """The JSON object the model was read from, equal leaf for leaf: this is what the record seals."""
    return model.model_dump(by_alias=True, exclude_unset=True, mode="json")


def untyped_leaves(value: Any) -> list[str]:
    """Paths of the leaves that no model types, e.g. `contacts[0].name.nick`; for `unknown_total{field}`.

    Runs for every message, so paths are only spelled out once something is found.
    """
    if isinstance(value, list):
        inner = [(f"[{index}]", untyped_leaves(element)) for index, element in enumerate(value)]
        return [_under(step, path) for step, paths in inner for path in paths]
    if not isinstance(value, BaseModel):
        return []
    found: list[str] = []
    for name, member in value.__dict__.items():
        if isinstance(member, _NESTED) and (paths := untyped_leaves(member)):
            step = type(value).model_fields[name].alias or name
            found.extend(_under(step, path) for path in paths)
    extras = value.__pydantic_extra__
    return (
        found + [path for name in extras for path in leaves(extras[name], _join("", name))]
        if extras
        else found
    )


def _under(step: str, path: str) -> str:
    return f"{step}{path}" if path.startswith("[") else f"{step}.{path}"


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Paths of all leaves of a JSON value; an empty object or list is a leaf."""
    if isinstance(value, dict) and value:
        for name, member in value.items():
            yield from leaves(member, _join(path, name))
    elif isinstance(value, list) and value:
        for index, member in enumerate(value):
            yield from leaves(member, f"{path}[{index}]")
    else:
        yield path


def _join(path: str, name: str) -> str:
    """A path is shown and logged: a member name that does not look like one may be data, and reads `?`."""
    shown = name if _NAME.fullmatch(name) else "?"
    return f"{path}.{shown}" if path else shown


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_label(value: Any) -> TypeGuard[str]:
    """Whether a value is a string that may name something in a log: short and UTF-8."""
    return isinstance(value, str) and len(value) <= _MAX_LABEL and _encodable(value)


def fault_of(error: ValidationError) -> tuple[str, str]:
    """Reason label and path of a model's first complaint; never its input, which is personal data."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ""
    for part in first["loc"]:
        path = f"{path}[{part}]" if isinstance(part, int) else _join(path, part)
    return _REASONS.get(first["type"], "wrong_type"), path


_REASONS = {
    "missing": "missing_field",
    "string_too_long": "too_long",
    "string_too_short": "empty_field",
    "string_pattern_mismatch": "bad_field",
    "value_error": "bad_field",
}


def unsound(value: Any) -> tuple[str, str] | None:
    """Why a decoded JSON value cannot be kept exactly, and where; None when it can.

    Lone surrogates have no UTF-8, NaN and infinity no JSON, integers beyond 64 bits no exact reader
    everywhere (RFC 8259 s.6, s.8.2); depth is bounded so that nothing downstream can overflow. Iterative:
    the input chooses the depth.
    """
    pending: list[tuple[Any, str, int]] = [(value, "", 0)]
    while pending:
        current, path, depth = pending.pop()
        if isinstance(current, dict):
            if not all(map(_encodable, current)):
                return "lone_surrogate", path
            pending.extend((member, _join(path, name), depth + 1) for name, member in current.items())
        elif isinstance(current, list):
            pending.extend((member, f"{path}[{n}]", depth + 1) for n, member in enumerate(current))
        elif reason := _unsound_leaf(current):
            return reason, path
        if depth > MAX_DEPTH:
            return "too_deep", ""
    return None


def _unsound_leaf(value: Any) -> str | None:
    if isinstance(value, str):
        return None if _encodable(value) else "lone_surrogate"
    if isinstance(value, float):
        return "bad_number" if not math.isfinite(value) or abs(value) >= _INT64 else None
    if isinstance(value, int):
        return "bad_number" if not -_INT64 <= value < 2 * _INT64 else None
    return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read(model: type[ModelT], value: Any, where: str = "") -> ModelT:
    """Validate one JSON value. Raises Poison naming the field, without its content."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        reason, path = fault_of(error)
        raise Poison(reason, ".".join(filter(None, (where, path)))) from None
