"""Which spans of time are proven complete, among everything that LivePerson still keeps or that was ever read. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import groupby
from operator import itemgetter

from archiver.archive.ledger import WindowReading
from archiver.model import CELL, Window
from archiver.value import Value, replace
from archiver.windows import floor, provable, retention, subtract

_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)


class CoverageState(StrEnum):
    """From best to worst. Open, unproven and lost spans are gaps."""

    SEALED = "sealed"  # proven complete
    PROVISIONAL = "provisional"  # read completely, but so recent that records may still arrive
    OPEN = "open"  # not read yet
    UNPROVEN = "unproven"  # read, and not proven complete
    LOST = "lost"  # never proven complete, and no longer kept by LivePerson


GAPS = (CoverageState.OPEN, CoverageState.UNPROVEN, CoverageState.LOST)
_ORDER = list(CoverageState)


class Stretch(Value):
    """A span in one state. LivePerson announced `expected` conversations that started in it, `conversations` were
    received. If the span is only a part of what was read at once, the counts are None.
    """

    window: Window
    state: CoverageState
    reason: str | None = None
    conversations: int | None = None
    expected: int | None = None

    @property
    def hours(self) -> float:
        return self.window.length / _HOUR


class Day(Value):
    """One day. `state` is the worst of the day; `hours`, the hours in each state; `is_exact`, whether every part was
    counted.

    LivePerson announced `expected` conversations that started in it, `conversations` were received at the last reading,
    and `kept` are in the vault, including those that LivePerson no longer has.
    """

    day: date
    state: CoverageState
    hours: dict[str, float]
    expected: int
    conversations: int
    kept: int
    is_exact: bool


class Coverage(Value):
    """Which parts of a span are proven complete. `hours_left`: until the oldest gap begins to be lost; None if there is
    no gap, or none that can still be closed. `shallow`: how many of its conversations are archived only as a search
    returns them, without some of their SDEs; `vanished`: which of them it lists no more.
    """

    span: Window
    stretches: tuple[Stretch, ...]
    gaps: tuple[Stretch, ...]
    days: tuple[Day, ...]
    hours_left: float | None
    shallow: int = 0
    vanished: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """How many conversations of the span's days the vault has."""
        return sum(day.kept for day in self.days)


def measure_coverage(
    span: Window, readings: Sequence[WindowReading], kept: Mapping[date, int], now: datetime, *, shallow: int = 0,
    vanished: tuple[str, ...] = (),
) -> Coverage:  # fmt: skip
    """The coverage of a span by the readings of its windows. `kept`: conversations in the vault by day."""
    covered = tuple(stretches(span, readings, now))
    by_day = tuple(days(covered, kept))
    return Coverage(span, covered, tuple(gaps(covered)), by_day, hours_left(covered, now), shallow, vanished)


def whole_span(readings: Iterable[WindowReading], now: datetime, target: datetime | None = None) -> Window:
    """Everything that LivePerson still keeps, everything ever read, and everything since `target`."""
    starts = [provable(now).start, *(reading.window.start for reading in readings), *([target] if target else [])]
    return Window(floor(min(starts)), floor(now))


def stretches(span: Window, readings: Sequence[WindowReading], now: datetime) -> Iterator[Stretch]:
    """The whole span, cut where the state or the reading changes, oldest first.

    Where readings overlap, the best one counts: what was proven complete once stays so.
    """
    oldest = floor(retention(now).start)
    parts: list[Stretch] = []
    covered: list[Window] = []  # disjoint, in order
    for reading in sorted(readings, key=by_worth):
        for window in list(_free(reading.window, covered)):
            insort(covered, window)
            parts += _cut_at(_stretch(reading, window), oldest)
    for window in subtract(span, covered):
        parts += _cut_at(Stretch(window, CoverageState.OPEN), oldest)
    for stretch in sorted(parts, key=lambda item: item.window):
        start, end = max(stretch.window.start, span.start), min(stretch.window.end, span.end)
        if start < end:
            whole = Window(start, end) == stretch.window
            yield stretch if whole else Stretch(Window(start, end), stretch.state, stretch.reason)


def proven_since(span: Window, sealed: Iterable[tuple[Window, datetime]]) -> datetime | None:
    """When the part of a span that was proven complete longest ago was, by windows and when each was last read; None if
    a part never was. Ten minutes are taken off: so long a reading may have taken, and so far
    may clocks differ.
    """
    since: datetime | None = None
    covered: list[Window] = []  # disjoint, in order
    for window, read_at in sorted(sealed, key=itemgetter(1), reverse=True):
        for part in list(_free(window, covered)):
            insort(covered, part)
            if part.start < span.end and span.start < part.end:
                since = read_at
    return since - CELL if since and next(subtract(span, covered), None) is None else None


def by_worth(reading: WindowReading) -> tuple[int, datetime]:
    """The order of readings of the same time, the one that counts first."""
    return (_ORDER.index(CoverageState(reading.state)), reading.window.start)


def _free(window: Window, covered: Sequence[Window]) -> Iterator[Window]:
    first = bisect_left(covered, window.start, key=lambda item: item.end)
    last = bisect_left(covered, window.end, key=lambda item: item.start)
    return subtract(window, covered[first:last])


def _stretch(reading: WindowReading, window: Window) -> Stretch:
    state = CoverageState(reading.state)
    if window != reading.window:
        return Stretch(window, state, reading.reason)
    return Stretch(window, state, reading.reason, reading.inside, reading.announced)


def _cut_at(stretch: Stretch, oldest: datetime) -> list[Stretch]:
    """A gap before the retention limit is lost; this cuts gaps there."""
    window = stretch.window
    if stretch.state is CoverageState.SEALED or window.start >= oldest:
        return [stretch]
    if window.end <= oldest:
        return [replace(stretch, state=CoverageState.LOST)]
    lost = Stretch(Window(window.start, oldest), CoverageState.LOST, stretch.reason)
    return [lost, Stretch(Window(oldest, window.end), stretch.state, stretch.reason)]


def gaps(spans: Iterable[Stretch]) -> list[Stretch]:
    """Open, unproven and lost spans; neighbours of one state and reason are joined."""
    merged: list[Stretch] = []
    for stretch in (item for item in spans if item.state in GAPS):
        last = merged[-1] if merged else None
        if last and (last.state, last.reason, last.window.end) == (stretch.state, stretch.reason, stretch.window.start):
            merged[-1] = Stretch(Window(last.window.start, stretch.window.end), last.state, last.reason)
        else:
            merged.append(stretch)
    return merged


def count_days(span: Window, spans: Iterable[Stretch]) -> tuple[int, int]:
    """How many days of UTC share time with a span, and on how many of them all of it is sealed."""
    open_days = {day for item in spans if item.state is not CoverageState.SEALED for day in _ordinals(item.window)}
    return len(_ordinals(span)), len(_ordinals(span)) - len(open_days)


def _ordinals(window: Window) -> range:
    """The days that share time with a window, by their ordinals."""
    return range(window.start.toordinal(), (window.end - _INSTANT).toordinal() + 1)


def hours_left(spans: Iterable[Stretch], now: datetime) -> float | None:
    """Hours until the oldest gap begins to leave LivePerson's retention; None without a gap that can be closed."""
    oldest = retention(now).start
    starts = [item.window.start for item in spans if item.state in (CoverageState.OPEN, CoverageState.UNPROVEN)]
    return max((min(starts) - oldest) / _HOUR, 0.0) if starts else None


def days(spans: Iterable[Stretch], kept: Mapping[date, int]) -> Iterator[Day]:
    """Coverage by days, in UTC, with how many conversations of each day the vault has."""
    for day, group in groupby(_by_day(spans), key=lambda item: item.window.start.date()):
        parts = list(group)
        hours = {
            state.value: sum((part.hours for part in parts if part.state is state), 0.0) for state in CoverageState
        }
        yield Day(
            day=day,
            state=max((part.state for part in parts), key=_ORDER.index),
            hours={state: round(value, 2) for state, value in hours.items() if value},
            expected=sum(part.expected or 0 for part in parts),
            conversations=sum(part.conversations or 0 for part in parts),
            kept=kept.get(day, 0),
            is_exact=all(part.conversations is not None for part in parts if part.state is not CoverageState.OPEN),
        )


def _by_day(spans: Iterable[Stretch]) -> Iterator[Stretch]:
    for stretch in spans:
        start = stretch.window.start
        while start < stretch.window.end:
            end = min(floor(start, _DAY) + _DAY, stretch.window.end)
            whole = Window(start, end) == stretch.window
            yield stretch if whole else Stretch(Window(start, end), stretch.state, stretch.reason)
            start = end
