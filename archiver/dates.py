"""Dates and durations as people type them. Pure: "now" comes in. Days, months and years are in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from archiver.errors import ConfigError
from archiver.model import Window
from archiver.windows import months_before

Moment = str | datetime | None  # a date as people type it, or an aware datetime
FORMS = "2026-03-31, 2026-03, 2026, 2026-03-31T14:05, today, yesterday, 90d, now-12h"

_DAY = timedelta(days=1)
_UNITS = {
    "ms": timedelta(milliseconds=1), "s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1),
    "d": _DAY, "w": 7 * _DAY,
}  # fmt: skip
_CALENDAR = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?$")
_AGO = re.compile(r"(?:now-)?(\d{1,6})(mo|m|h|d|w|y)$", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d|w)?", re.IGNORECASE)


def parse_span(text: str, now: datetime) -> Window:
    """The whole span that a date names: a day, a month, the minute of an instant. Raises ValueError."""
    word = text.strip()
    try:
        return _named(word.lower(), now) or _calendar(word) or _ago(word.lower(), now) or _instant(word)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def parse_moment(given: Moment, now: datetime, *, is_end: bool) -> datetime | None:
    """The first moment that a date names; for an end, the moment after its last. Raises ConfigError."""
    if isinstance(given, datetime) and given.tzinfo is None:
        raise ConfigError(f"the datetime {given} has no time zone", hint="Set tzinfo, for example to datetime.UTC.")
    if given is None or isinstance(given, datetime):
        return given
    try:
        span = parse_span(given, now)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return span.end if is_end else span.start


def parse_duration(text: str) -> timedelta:
    """A duration such as 30m, 1.5h, 45s; a bare number is seconds. Raises ValueError."""
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not a duration; write 90s, 30m, 2h or 1d")
    try:
        return float(match[1]) * _UNITS[(match[2] or "s").lower()]
    except (OverflowError, KeyError):
        raise ValueError(f"{text!r} is not a duration; write 90s, 30m, 2h or 1d") from None


def _named(word: str, now: datetime) -> Window | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if word == "now":
        return Window(now, now + timedelta(milliseconds=1))
    if word == "today":
        return Window(today, today + _DAY)
    if word == "yesterday":
        return Window(today - _DAY, today)
    return None


def _calendar(word: str) -> Window | None:
    match = _CALENDAR.match(word)
    if not match:
        return None
    year, month, day = (int(part) if part else 1 for part in match.groups())
    try:
        start = datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{word!r} is not a day of the calendar") from None
    if match[3]:
        return Window(start, start + _DAY)
    return Window(start, months_before(start, -1 if match[2] else -12))


def _ago(word: str, now: datetime) -> Window | None:
    match = _AGO.match(word)
    if not match:
        return None
    count, unit = int(match[1]), match[2]
    months = {"mo": 1, "y": 12}.get(unit)
    start = months_before(now, count * months) if months else now - count * _UNITS[unit]
    return Window(start, start + timedelta(milliseconds=1))


def _instant(word: str) -> Window:
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a known date; write one of: {FORMS}") from None
    start = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    has_seconds = word.count(":") >= 2 and "+" not in word
    return Window(start, start + (timedelta(seconds=1) if has_seconds else timedelta(minutes=1)))
