"""Values of rows that steer the harvest, as they may be found: written by this program, or garbage."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from archiver.model import EPOCH, Window, from_ms

_EARLIEST_CONTACT = datetime(2015, 1, 1, tzinfo=UTC)  # before LivePerson had conversations
_LONGEST_SILENCE = timedelta(days=31)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)  # no window of this program's life ends later


def stored_moment(value: object) -> datetime | None:
    """The moment that a column holds, in UTC; None if it holds none, or one before 1970."""
    try:
        moment = datetime.fromisoformat(str(value))
        aware = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return aware if aware >= EPOCH else None


def newest_entry_at(connection: sqlite3.Connection) -> datetime | None:
    """When the newest entry of the vault was made; None if there is none, or it does not say so readably."""
    row = connection.execute("SELECT fetched_at FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
    return stored_moment(row[0]) if row else None


def is_credible_contact(at: datetime, local: datetime, newest: datetime | None) -> bool:
    """Whether LivePerson can have been reached at `at`: not long after this machine's time and the newest entry, one of
    which may be wrong.
    """
    return _EARLIEST_CONTACT <= at <= max(local, newest or local) + _LONGEST_SILENCE


def stored_window(start_ms: int, end_ms: int) -> Window | None:
    """The window between two columns; None if they bound none between 1970 and 2200."""
    try:
        window = Window(from_ms(start_ms), from_ms(end_ms))
    except (ValueError, OverflowError, TypeError):  # another type happens only in a damaged file
        return None
    return window if window.start >= EPOCH and window.end <= LATEST else None
