"""Times as people read them, whatever a record says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


def in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """A moment in a zone; in UTC where that lies beyond the years 1 to 9999."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def day(at: datetime, zone: tzinfo) -> str:
    return f"{in_zone(at, zone):%d %b %Y}"


def minute(at: datetime | None, zone: tzinfo) -> str:
    return f"{in_zone(at, zone):%d %b %Y %H:%M}" if at else "unknown time"


def moment(at: datetime | str | None, zone: tzinfo) -> str:
    """A time to the second, also one in ISO 8601."""
    at = datetime.fromisoformat(at) if isinstance(at, str) else at
    return f"{in_zone(at, zone):%d %b %Y %H:%M:%S}" if at else "unknown"


def clock(at: datetime | None, zone: tzinfo) -> str:
    return f"{in_zone(at, zone):%H:%M:%S}" if at else ""


def duration(ms: int | None) -> str:
    """A length of time as people say it: 45 s, 12 min, 3 h 5 min, 2 d 4 h."""
    if ms is None:
        return ""
    try:
        length = timedelta(milliseconds=max(ms, 0))
    except OverflowError:
        return "impossibly long"
    minutes, hours = length.seconds // 60, length.seconds // 3600
    if length.days:
        return f"{length.days:,} d {hours} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{length.seconds} s"


def within(field: str, start: datetime, end: datetime) -> str:
    """The condition that the moment of a field lies from one whole minute to before another, in UTC."""
    first, last = start.astimezone(UTC), (end - timedelta(minutes=1)).astimezone(UTC)
    return f"{field}:{first:%Y-%m-%dT%H:%M}Z..{last:%Y-%m-%dT%H:%M}Z"
