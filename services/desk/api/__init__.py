"""The desk's endpoints."""
