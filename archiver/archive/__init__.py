"""The archive's one SQLite file: raw records for good, what is proven complete, and what this file can swear to.

A change that must be one transaction is one method of `ArchiveFile`; nothing outside this room writes a part of it.
"""

from archiver.archive.coverage import CoverageState, Day, Stretch, days, gaps, hours_left, stretches, whole_span
from archiver.archive.erasures import Erasure
from archiver.archive.file import Archive, is_archive, make_archive, open_archive
from archiver.archive.ledger import (
    OPEN,
    PROVISIONAL,
    SEALED,
    SWEPT,
    TAILED,
    TARGET,
    Reading,
    Recorded,
    Run,
)
from archiver.archive.rechecks import SOONEST_RECHECK, is_last_chance, next_check
from archiver.archive.vault import Record
from archiver.archive.verify import Finding, verify_vault

__all__ = [
    "OPEN",
    "PROVISIONAL",
    "SEALED",
    "SOONEST_RECHECK",
    "SWEPT",
    "TAILED",
    "TARGET",
    "Archive",
    "CoverageState",
    "Day",
    "Erasure",
    "Finding",
    "Reading",
    "Record",
    "Recorded",
    "Run",
    "Stretch",
    "days",
    "gaps",
    "hours_left",
    "is_archive",
    "is_last_chance",
    "make_archive",
    "next_check",
    "open_archive",
    "stretches",
    "verify_vault",
    "whole_span",
]
