"""Indexes the record into OpenSearch and answers searches."""
