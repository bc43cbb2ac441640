"""The search index: what can be thrown away and built again from the archive, and the questions it answers."""

from archiver.index.build import Applied, bring_up_to_date, catch_up, is_behind, rebuild, retry
from archiver.index.results import Facet, Hit, Refusal, Results, Sort
from archiver.index.retrieval import Request, Search, count_by, found_ids
from archiver.index.store import Store, StoreAdmin, open_store
from archiver.index.verify import verify_index

__all__ = [
    "Applied",
    "Facet",
    "Hit",
    "Refusal",
    "Request",
    "Results",
    "Search",
    "Sort",
    "Store",
    "StoreAdmin",
    "bring_up_to_date",
    "catch_up",
    "count_by",
    "found_ids",
    "is_behind",
    "open_store",
    "rebuild",
    "retry",
    "verify_index",
]
