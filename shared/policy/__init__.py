"""Rules of sending as pure functions over explicit state and time, and where that state lies."""
