"""The archive's one SQLite file: raw records, which windows are proven complete, and the hash
chain over both.

A change that must be one transaction is one method of `ArchiveFile`; no other room writes a part of it.
"""

from archiver.archive.audit_log import AuditHead, AuditLog
from archiver.archive.cases import Case, CaseItem, Part, Status, no_case
from archiver.archive.coverage import Coverage, CoverageState, Day, Stretch, count_days, gaps
from archiver.archive.covering import reading_at
from archiver.archive.erasures import Erasure
from archiver.archive.events import ERASURE, Decision, states_by
from archiver.archive.file import ArchiveFile
from archiver.archive.grants import Grant, Grantee
from archiver.archive.ledger import Bookmark, RecordedWindow, Run, WindowReading, WindowState
from archiver.archive.opening import identity_of, is_archive, make_archive, open_archive
from archiver.archive.rechecks import is_last_chance, next_check
from archiver.archive.records import Evidence, HistoryEntry, QuarantinedRecord, Record
from archiver.archive.saved import Delivery, SavedMatch, SavedSearch, Target
from archiver.archive.scheduled import ScheduledExport, checked_pause
from archiver.archive.upgrade import Upgraded
from archiver.archive.vault import Vault
from archiver.archive.verify import Finding, repair_vault, verify_vault

__all__ = [
    "ERASURE",
    "ArchiveFile",
    "AuditHead",
    "AuditLog",
    "Bookmark",
    "Case",
    "CaseItem",
    "Coverage",
    "CoverageState",
    "Day",
    "Decision",
    "Delivery",
    "Erasure",
    "Evidence",
    "Finding",
    "Grant",
    "Grantee",
    "HistoryEntry",
    "Part",
    "QuarantinedRecord",
    "Record",
    "RecordedWindow",
    "Run",
    "SavedMatch",
    "SavedSearch",
    "ScheduledExport",
    "Status",
    "Stretch",
    "Target",
    "Upgraded",
    "Vault",
    "WindowReading",
    "WindowState",
    "checked_pause",
    "count_days",
    "gaps",
    "identity_of",
    "is_archive",
    "is_last_chance",
    "make_archive",
    "next_check",
    "no_case",
    "open_archive",
    "reading_at",
    "repair_vault",
    "states_by",
    "verify_vault",
]
