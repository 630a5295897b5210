"""The outside world simulated behind its real wire protocols; never part of a production image."""
