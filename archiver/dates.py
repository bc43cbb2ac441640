"""Dates and durations as people type them. Pure: "now" and the time zone of days come in; by default UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from archiver.errors import ConfigError
from archiver.model import Window
from archiver.windows import months_before

Moment = str | datetime | None  # a date as people type it, or an aware datetime
FORMS = "2026-03-31, 2026-03, 2026-Q3, 2026, 2026-03-31T14:05, today, last month, 90d, now-12h"

_DAY = timedelta(days=1)
_LONGEST = 40  # characters of a date or duration
_UNITS = {
    "ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1),
    "d": _DAY, "w": 7 * _DAY,
}  # fmt: skip
# Digits are 0 to 9 and letters are Latin ones: `re.IGNORECASE` alone also takes ſ for s, and \d takes ٣.
_CALENDAR = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?")
_QUARTER = re.compile(r"([0-9]{4})-?[qQ]([1-4])")
_RELATIVE = re.compile(r"(last|this)[ -](week|month|quarter|year)")
_AGO = re.compile(r"(?:now-)?([0-9]{1,6})(mo|m|h|d|w|y)")
_TIME = r"[0-9]{2}(?P<minute>:?[0-9]{2}(?P<second>:?[0-9]{2}(?P<fraction>[.,][0-9]{1,6})?)?)?"
_INSTANT = re.compile(rf"[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}[T ]{_TIME}(?:Z|[+-][0-9:]{{2,8}})?")
_LENGTHS = (("fraction", _UNITS["ms"]), ("second", _UNITS["s"]), ("minute", _UNITS["m"]))
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|[smhdw])|0", re.IGNORECASE | re.ASCII)


def parse_span(text: str, now: datetime, zone: tzinfo = UTC) -> Window:
    """The whole span that a date names: a day, a month, the minute of an instant; in UTC. Raises ValueError."""
    word = text.strip()
    if len(word) > _LONGEST:
        raise ValueError(f"'{word[:_LONGEST]}…' is not a known date")
    try:
        span = _spans(word, now.astimezone(zone), zone)
        if span is not None:
            return Window(span.start.astimezone(UTC), span.end.astimezone(UTC))
    except (OverflowError, ValueError):
        raise ValueError(f"there is no date {text!r}") from None
    raise ValueError(f"{text!r} is not a known date")


def _spans(word: str, now: datetime, zone: tzinfo) -> Window | None:
    lower = word.lower()
    return _named(lower, now) or _calendar(word, zone) or _ago(lower, now) or _instant(word.upper(), zone)


def parse_moment(given: Moment, now: datetime, *, is_end: bool) -> datetime | None:
    """The first moment that a date names; for an end, the moment after its last. Raises ConfigError."""
    if isinstance(given, datetime) and given.tzinfo is None:
        raise ConfigError(f"the datetime {given} has no time zone", hint="Set tzinfo, for example to datetime.UTC.")
    if given is None or isinstance(given, datetime):
        return given
    try:
        span = parse_span(given, now)
    except ValueError as error:
        raise ConfigError(str(error), hint=f"Write one of: {FORMS}.") from None
    return span.end if is_end else span.start


def parse_duration(text: str) -> timedelta:
    """A duration such as 30m, 1.5h, 45s. Raises ValueError, also for a number without a unit."""
    match = _DURATION.fullmatch(text.strip())
    try:
        if match:
            return float(match[1]) * _UNITS[match[2].lower()] if match[1] else timedelta(0)
    except OverflowError:
        pass
    raise ValueError(f"{text[:_LONGEST]!r} is not a duration; write 90s, 30m, 2h or 1d")


def written_duration(duration: timedelta) -> str:
    """A duration in the largest unit of which it is a whole number: 1d, 90m."""
    for unit in ("w", "d", "h", "m"):
        if duration and not duration % _UNITS[unit]:
            return f"{duration // _UNITS[unit]}{unit}"
    return f"{duration.total_seconds():g}s"


def _named(word: str, now: datetime) -> Window | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "now":
        return Window(now, now + timedelta(milliseconds=1))
    if word == "today":
        return Window(today, today + _DAY)
    if word == "yesterday":
        return Window(today - _DAY, today)
    match = _RELATIVE.fullmatch(word)
    if not match:
        return None
    steps = {"last": -1, "this": 0}[match[1]]
    if match[2] == "week":
        monday = today - today.weekday() * _DAY + 7 * steps * _DAY
        return Window(monday, monday + 7 * _DAY)
    months = {"month": 1, "quarter": 3, "year": 12}[match[2]]
    start = today.replace(month=(today.month - 1) // months * months + 1, day=1)
    return Window(months_before(start, -steps * months), months_before(start, -(steps + 1) * months))


def _calendar(word: str, zone: tzinfo) -> Window | None:
    quarter = _QUARTER.fullmatch(word)
    if quarter:
        start = datetime(int(quarter[1]), 3 * int(quarter[2]) - 2, 1, tzinfo=zone)
        return Window(start, months_before(start, -3))
    match = _CALENDAR.fullmatch(word)
    if not match:
        return None
    year, month, day = (int(part) if part else 1 for part in match.groups())
    start = datetime(year, month, day, tzinfo=zone)
    if match[3]:
        return Window(start, start + _DAY)
    return Window(start, months_before(start, -1 if match[2] else -12))


def _ago(word: str, now: datetime) -> Window | None:
    match = _AGO.fullmatch(word)
    if not match:
        return None
    count, unit = int(match[1]), match[2]
    months = {"mo": 1, "y": 12}.get(unit)
    start = months_before(now, count * months) if months else now - count * _UNITS[unit]
    return Window(start, start + timedelta(milliseconds=1))


def _instant(word: str, zone: tzinfo) -> Window | None:
    """The hour, minute, second or millisecond that a time names; without an offset in the zone."""
    match = _INSTANT.fullmatch(word)
    if not match:
        return None
    moment = datetime.fromisoformat(word)
    start = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    length = next((length for name, length in _LENGTHS if match[name]), _UNITS["h"])
    return Window(start, start + length)
