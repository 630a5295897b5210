"""Publishing desk events."""
