"""Elasticsearch as the index: the archive at scale."""
