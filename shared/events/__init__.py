"""The desk events and their schemas."""
