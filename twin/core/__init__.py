"""The outside world as pure rules: no I/O, no clock reads, everything deterministic from a seed."""
