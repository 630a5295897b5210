"""What an invariant reports."""

import hashlib
from dataclasses import dataclass
from typing import Literal

Fault = Literal["lost", "duplicated", "out of order", "unsettled", "late", "repeated", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be (or is worth counting: unsettled, late, repeated).

    Attributes:
        invariant: its number in the contracts' list.
        fault: what the last line counts it as.
        subject: an id of ours or a hash; never a number, a name or a wamid.
        detail: what was expected and what was found, without content.
        seconds: how late, for `late`.
    """

    invariant: int
    fault: Fault
    subject: str
    detail: str
    seconds: float = 0.0


def pseudonym(wamid: str) -> str:
    """A wamid decodes to a number: reports name it by a hash."""
    return "w_" + hashlib.sha256(wamid.encode()).hexdigest()[:12]
