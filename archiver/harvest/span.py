"""Which span a harvest between two dates reads. Pure."""

from __future__ import annotations

from datetime import datetime

from archiver import windows
from archiver.dates import Moment, parse_moment
from archiver.errors import ConfigError
from archiver.model import Window


def harvest_span(start: Moment, end: Moment, now: datetime) -> Window:
    """From a date to the end of another, at most until `now`, LivePerson's time; without a start, as far back as
    LivePerson keeps conversations. Raises ConfigError.
    """
    first = parse_moment(start, now, is_end=False) or windows.provable(now).start
    last = min(parse_moment(end, now, is_end=True) or now, now)
    if first >= last:
        raise ConfigError(
            f"the start must be before the end and before now ({now:%Y-%m-%d %H:%M} UTC)",
            hint="archiver harvest --from 2026-01-01 --to 2026-03",
        )
    return Window(first, last)
