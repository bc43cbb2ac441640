"""Calendar intervals of a time zone: where they begin, and how they are written. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from archiver.model import Window


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"  # begins on Monday
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_HOUR = timedelta(hours=1)
# Longer than any such interval, and shorter than two: from one's begin, always a moment of the next.
_BEYOND = {
    Interval.DAY: timedelta(days=1), Interval.WEEK: timedelta(days=7), Interval.MONTH: timedelta(days=31),
    Interval.QUARTER: timedelta(days=92), Interval.YEAR: timedelta(days=366),
}  # fmt: skip
_FORMS = {Interval.HOUR: "%Y-%m-%d %H:00", Interval.MONTH: "%Y-%m", Interval.YEAR: "%Y"}


def begin_of(interval: Interval, moment: datetime, zone: tzinfo) -> datetime:
    """When the interval begins that holds a moment, in UTC."""
    local = moment.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    return (local if interval is Interval.HOUR else _first_day(interval, local).replace(hour=0, fold=0)).astimezone(UTC)


def _first_day(interval: Interval, local: datetime) -> datetime:
    match interval:
        case Interval.WEEK:
            return local - timedelta(days=local.weekday())
        case Interval.MONTH:
            return local.replace(day=1)
        case Interval.QUARTER:
            return local.replace(month=(local.month - 1) // 3 * 3 + 1, day=1)
        case Interval.YEAR:
            return local.replace(month=1, day=1)
    return local


def begins(interval: Interval, span: Window, zone: tzinfo) -> Iterator[datetime]:
    """The begins of all intervals that share time with a span, in UTC, and the end of the last one."""
    begin = begin_of(interval, span.start, zone)
    yield begin
    while begin < span.end:
        begin = _end(interval, begin, zone)
        yield begin


def _end(interval: Interval, begin: datetime, zone: tzinfo) -> datetime:
    if interval is Interval.HOUR:
        later = begin + _HOUR
        while (end := begin_of(interval, later, zone)) <= begin:  # the clock was set back by less than an hour
            later += _HOUR
        return end
    noon = begin.astimezone(zone).replace(hour=12) + _BEYOND[interval]  # at noon, a changed clock changes no day
    return begin_of(interval, noon, zone)


def written(interval: Interval, begin: datetime, zone: tzinfo) -> str:
    """An interval in short: 2026-11, 2026-Q4, 2026-11-23 (a day, or the week that begins then), 2026-11-23 14:00."""
    local = begin.astimezone(zone)
    if interval is Interval.HOUR and local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        return f"{local:%Y-%m-%d %H:00 %z}"  # the clock shows this hour twice
    if interval is Interval.QUARTER:
        return f"{local:%Y}-Q{(local.month + 2) // 3}"
    return f"{local:{_FORMS.get(interval, '%Y-%m-%d')}}"
