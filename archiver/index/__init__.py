"""The search index: what can be thrown away and built again from the archive, and the questions it answers."""

from archiver.index.build import catch_up, rebuild, retry
from archiver.index.protocol import Store, open_store
from archiver.index.results import Facet, Found, Hit, Key, Refusal, Results, Sort, Version
from archiver.index.retrieval import Request, count_by, found_ids, search
from archiver.index.verify import verify_index

__all__ = [
    "Facet",
    "Found",
    "Hit",
    "Key",
    "Refusal",
    "Request",
    "Results",
    "Sort",
    "Store",
    "Version",
    "catch_up",
    "count_by",
    "found_ids",
    "open_store",
    "rebuild",
    "retry",
    "search",
    "verify_index",
]
