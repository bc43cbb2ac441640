"""What people keep in the archive's file beside the evidence."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from archiver.archive.cases import Cases
from archiver.archive.grants import Grants
from archiver.archive.saved import SavedSearches
from archiver.archive.scheduled import ScheduledExports


class Kept:
    """`grants` are who may do what; `saved`, `cases` and `scheduled` are searches, cases and exports."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:  # fmt: skip
        self.grants = Grants(connection, transaction)
        self.saved = SavedSearches(connection, transaction)
        self.cases = Cases(connection, transaction)
        self.scheduled = ScheduledExports(connection, transaction)
