"""Tells what saved searches find in new entries of the vault, once, without an index."""

from archiver.alerts.evaluation import evaluate, is_behind, read_query
from archiver.alerts.telling import Teller, checked_place

__all__ = ["Teller", "checked_place", "evaluate", "is_behind", "read_query"]
