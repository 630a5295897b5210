"""Ids of traces and spans, from the injected source; all zeros are invalid (W3C Trace Context s.3.2.2)."""

from shared.ids import Ids


def trace_id(ids: Ids) -> int:
    """16 bytes."""
    return int.from_bytes(ids.bytes(16), "big") or 1


def span_id(ids: Ids) -> int:
    """8 bytes."""
    return int.from_bytes(ids.bytes(8), "big") or 1
