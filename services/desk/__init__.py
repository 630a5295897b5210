"""The desk: HTTP API of the agents' console and its live updates (`python -m services.desk`)."""
