"""The search index: what can be thrown away and built again from the archive, and the questions it answers."""

from archiver.index.adjacent import Neighbours, neighbours
from archiver.index.advice import advice_on
from archiver.index.assurance import Assurance
from archiver.index.build import Applied, bring_up_to_date, catch_up, is_behind, rebuild, retry
from archiver.index.condition import index_status
from archiver.index.counting import Bar, Counting, Counts, Facet, Histogram, Table, countable
from archiver.index.readiness import PATIENCE_S, Readiness, check_whole, make_ready, refuse
from archiver.index.recent import RecentReadings
from archiver.index.results import Hit, Refusal, Results, Sort, read_cursor
from archiver.index.retrieval import Readings, Request, Search, Seen, found_ids
from archiver.index.store import StoreAdmin, StoreStatus, open_store
from archiver.index.terms import TermCount, count_terms
from archiver.index.verify import repair_index, verify_index
from archiver.index.versions import NumberedVersion, numbered_versions, other_transcripts, read_version

__all__ = [
    "PATIENCE_S",
    "Applied",
    "Assurance",
    "Bar",
    "Counting",
    "Counts",
    "Facet",
    "Histogram",
    "Hit",
    "Neighbours",
    "NumberedVersion",
    "Readiness",
    "Readings",
    "RecentReadings",
    "Refusal",
    "Request",
    "Results",
    "Search",
    "Seen",
    "Sort",
    "StoreAdmin",
    "StoreStatus",
    "Table",
    "TermCount",
    "advice_on",
    "bring_up_to_date",
    "catch_up",
    "check_whole",
    "count_terms",
    "countable",
    "found_ids",
    "index_status",
    "is_behind",
    "make_ready",
    "neighbours",
    "numbered_versions",
    "open_store",
    "other_transcripts",
    "read_cursor",
    "read_version",
    "rebuild",
    "refuse",
    "repair_index",
    "retry",
    "verify_index",
]
