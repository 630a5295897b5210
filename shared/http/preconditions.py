"""ETags made of revisions, and the headers that guard a write."""

import re
from typing import Annotated, Literal

from fastapi import Header

from shared.http.problems import Problem

IdempotencyKey = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Made once per intent and kept through all retries: the same key makes the same message.",
    ),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=64)]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=64)]
_ETAG = re.compile(r'"(\d{1,15})"')


def etag(rev: int) -> str:
    """The strong ETag of a revision (RFC 9110 s.8.8.3)."""
    return f'"{rev}"'


def expected(if_match: str | None, if_none_match: str | None) -> int | Literal["absent"]:
    """The revision a write was made on, or `absent` for a creation. Raises Problem 428 or 400."""
    if if_none_match == "*" and if_match is None:
        return "absent"
    if if_match is None:
        raise Problem(428, "precondition-required", "If-Match")
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise Problem(400, "invalid", "If-Match")
    return int(found.group(1))
