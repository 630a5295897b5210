"""Opaque cursors: a position in one named list, checked for shape when it comes back.

A cursor is no capability: the endpoint authorises the list first, and the position only says where in it
to go on. So it needs no signature; what it must not do is carry a caller out of the list it names.
"""

import base64
import binascii
import hashlib
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.http.problems import Problem

MAX_CURSOR = 2048  # characters
_MARK = 9  # bytes that name the list: a mix-up of lists is caught, and base64 needs no padding
Shape = TypeVar("Shape", bound=BaseModel)


def encode(position: BaseModel, scope: str) -> str:
    """The cursor of a position in the list `scope` (endpoint and the ids in its path)."""
    body = _mark(scope) + position.model_dump_json().encode()
    return base64.urlsafe_b64encode(body).decode().rstrip("=")


def decode(cursor: str | None, shape: type[Shape], scope: str) -> Shape | None:
    """The position, None where no cursor was sent. Raises Problem for anything not made by `encode`."""
    if cursor is None:
        return None
    try:
        body = base64.b64decode(_padded(cursor), altchars=b"-_", validate=True)
        if body[:_MARK] != _mark(scope):
            raise Problem(400, "cursor", "cursor")
        return TypeAdapter(shape).validate_json(body[_MARK:], strict=True)
    except (binascii.Error, UnicodeEncodeError, ValidationError) as error:
        raise Problem(400, "cursor", "cursor") from error


def _mark(scope: str) -> bytes:
    return hashlib.sha256(scope.encode("utf-8", "surrogatepass")).digest()[:_MARK]


def _padded(cursor: str) -> bytes:
    if len(cursor) > MAX_CURSOR:
        raise Problem(400, "cursor", "cursor")
    return cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
