"""Times as LivePerson stores and rounds them. Pure.

The simulator's own reading of the Messaging Interactions API (Methods: Conversations): start and update times are
rounded to 10 minutes, conversations are kept for 13 months, times are epoch milliseconds in members that end in L. It
shares no rule with the program that it tests.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

KEPT_MONTHS = 13
_GRID_MS = 10 * 60 * 1000


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """The moment so many milliseconds after 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def floor(moment: datetime) -> datetime:
    """The last ten-minute mark up to a moment."""
    return from_ms(to_ms(moment) // _GRID_MS * _GRID_MS)


def ceil(moment: datetime) -> datetime:
    """The first ten-minute mark from a moment on."""
    earlier = floor(moment)
    return earlier if earlier == moment else from_ms(to_ms(earlier) + _GRID_MS)


def months_earlier(moment: datetime, months: int) -> datetime:
    """The same day so many months before, or the last day of that month."""
    count = moment.year * 12 + moment.month - 1 - months
    year, month = count // 12, count % 12 + 1
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))


def moment_of(info: Mapping[str, Any], name: str) -> datetime | None:
    """A time of a record by its milliseconds; None if it has not happened (-1) or is absent."""
    ms = info.get(f"{name}L")
    return from_ms(int(ms)) if isinstance(ms, int | float) and ms > 0 else None
