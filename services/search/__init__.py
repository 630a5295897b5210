"""Search: the indexer (`python -m services.search`) and its API (`python -m services.search.api`)."""
