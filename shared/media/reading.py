"""Where a reading stands: what was read out of a message's file, beside the message."""

from shared.record.shape import child_sk

KIND = "reading"


def reading_sk(order_key: str, n: int) -> str:
    """Sort key of the reading of a message's n-th medium."""
    return child_sk(order_key, KIND, str(n))
