"""The keeper: retention, erasure and reconciliation, one process at a time."""
