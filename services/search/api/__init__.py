"""The search API (`python -m services.search.api`)."""
