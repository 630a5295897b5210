"""One file a technology."""
