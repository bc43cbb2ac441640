"""The page of what is proven complete: months as calendars, and the windows of one day."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from archiver.app import Archive
from archiver.archive import Coverage, CoverageState, Day, Stretch
from archiver.errors import ConfigError, counted
from archiver.outputs import month_of
from archiver.value import Value
from archiver.web.state import SearchState
from archiver.web.times import within

STATES = {
    CoverageState.SEALED: ("proven", "proven complete by LivePerson's own counts"),
    CoverageState.PROVISIONAL: ("recent", "read whole, but so recent that records may still arrive"),
    CoverageState.OPEN: ("not read", "not read yet"),
    CoverageState.UNPROVEN: ("unproven", "read, and not proven complete"),
    CoverageState.LOST: ("lost", "deleted at LivePerson before it was proven"),
}
_YEARS = range(1990, 2100)
_MOST_DAYS_LEFT = 14  # from here on a gap is urgent
_DAYS_FROM = 3  # and before that told in hours


class Cell(Value):
    """A day of a calendar; without a `state` it lies outside of what is known."""

    number: int
    href: str | None = None
    state: str = ""
    word: str = ""
    count: str = ""
    says: str = ""


class Month(Value):
    """A month with its weeks, each of seven days or blanks, and what was announced and kept in it, in words."""

    name: str
    title: str
    weeks: tuple[tuple[Cell | None, ...], ...]
    announced: str
    kept: int


def is_urgent(hours_left: float) -> bool:
    """Whether LivePerson is about to delete what was not read."""
    return hours_left < _MOST_DAYS_LEFT * 24


def time_left(hours: float) -> str:
    """When that begins, for people."""
    if hours < 1:
        return "within the next hour"
    days = int(hours / 24)
    return f"in {counted(days, 'day') if days >= _DAYS_FROM else counted(round(hours), 'hour')}"


def coverage_page(archive: Archive) -> dict[str, Any]:
    """What the page shows of the whole archive."""
    coverage = archive.coverage()
    hours = {
        state.value: sum(item.hours for item in coverage.stretches if item.state is state) for state in CoverageState
    }
    return {
        "coverage": coverage,
        "months": list(reversed(list(_months(coverage)))),
        "legend": [
            (state.value, word, says, round(hours[state.value] / 24, 1)) for state, (word, says) in STATES.items()
        ],
        "gaps": coverage.gaps,
        "zone": str(archive.zone),
        "time_left": None if coverage.hours_left is None else time_left(coverage.hours_left),
        "is_urgent": coverage.hours_left is not None and is_urgent(coverage.hours_left),
        "word_of": lambda state: STATES[state][0],
        "clock_notice": archive.file.ledger.clock_notice(),
        "counted": counted,
    }


def _months(coverage: Coverage) -> Iterator[Month]:
    for name, group in groupby(coverage.days, key=month_of):
        days = {item.day: item for item in group}
        first = next(iter(days))
        weeks = Calendar().monthdatescalendar(first.year, first.month)
        cells = tuple(tuple(_cell(day, days, first.month) for day in week) for week in weeks)
        kept = sum(item.kept for item in days.values())
        yield Month(name, f"{first:%B %Y}", cells, _announced(list(days.values())), kept)


def _announced(days: list[Day]) -> str:
    """How many conversations LivePerson announced, and of how many days it was not asked."""
    read = [day for day in days if _is_read(day)]
    unread = f"{counted(len(days) - len(read), 'day')} not read" if len(read) < len(days) else ""
    return ", ".join(filter(None, (_expected(read) if read else "", unread)))


def _announced_of(day: Day) -> str:
    """What LivePerson announced of a day, in words."""
    if not _is_read(day):
        return "not asked for"
    more = ", and part of the day is not read yet" if CoverageState.OPEN in day.hours else ""
    return f"{_expected([day])}{more}"


def _is_read(day: Day) -> bool:
    """Whether LivePerson was asked for any part of a day."""
    return any(state != CoverageState.OPEN for state in day.hours)


def _expected(days: list[Day]) -> str:
    least = "" if all(day.is_exact for day in days) else "at least "
    return f"{least}{sum(day.expected for day in days):,} announced"


def _cell(day: date, days: dict[date, Day], month: int) -> Cell | None:
    if day.month != month:
        return None
    item = days.get(day)
    if item is None:
        return Cell(day.day)
    word, _ = STATES[item.state]
    parts = [f"{hours:g} h {STATES[CoverageState(state)][0]}" for state, hours in item.hours.items() if hours]
    states = ", ".join(parts) if len(parts) > 1 else word
    told = f"{day}: {states}; {item.kept:,} kept, {_announced_of(item)}"
    kept = f"{item.kept:,}" if item.kept or _is_read(item) else ""  # nothing is known of an unread day
    return Cell(day.day, f"/coverage?day={day}", item.state.value, word, kept, told)


def day_page(archive: Archive, text: str) -> dict[str, Any]:
    """What the page shows of one day. Raises ConfigError for another text, or a day outside of what can be covered."""
    try:
        start = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        raise ConfigError(f"{text!r} is no day", hint="Write it as 2026-03-31.") from None
    if start.year not in _YEARS:
        raise ConfigError(f"{text} lies outside of what can be archived", hint="LivePerson keeps 13 months.")
    coverage = archive.coverage(start, start + timedelta(days=1))
    day = coverage.days[0] if coverage.days else None
    return {
        "day": text,
        "title": f"{start:%A, %d %B %Y}",
        "previous": f"/coverage?day={(start - timedelta(days=1)).date()}",
        "following": f"/coverage?day={(start + timedelta(days=1)).date()}",
        "summary": day,
        "announced": _announced_of(day) if day else "",
        "stretches": [(_clock(item), STATES[item.state], item) for item in coverage.stretches],
        "search": SearchState(filters=(within("started", start, start + timedelta(days=1)),)).href(),
        "command": f"archiver harvest --from {text} --to {text}",
        "counted": counted,
    }


def _clock(item: Stretch) -> str:
    return f"{item.window.start:%d %b %H:%M} to {item.window.end:%d %b %H:%M}"
