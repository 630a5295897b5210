"""A skipped test is a failure, unless tests/allowed_skips.toml names it and the Docker engine or AWS account it needs."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

NEEDS = frozenset({"docker", "aws"})
_LIST = Path(__file__).with_name("allowed_skips.toml")


def allowed(text: str) -> frozenset[str]:
    """Ids of the tests that may be skipped. Raises ValueError for a reason that is none."""
    entries = tomllib.loads(text).get("skip", [])
    wrong = [entry["test"] for entry in entries if entry.get("needs") not in NEEDS]
    if wrong:
        raise ValueError(f"allowed_skips.toml: {', '.join(wrong)}: needs must be docker or aws")
    return frozenset(entry["test"] for entry in entries)


def unexpected(skipped: Iterable[str], text: str | None = None) -> list[str]:
    """The skipped tests that no line allows; a parameter in brackets follows its test."""
    may = allowed(_LIST.read_text() if text is None else text)
    return sorted({test for test in skipped if test not in may and test.partition("[")[0] not in may})
