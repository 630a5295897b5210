"""Sealing of content under per-person keys."""
