"""The histogram of a search, as rectangles that a template draws."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta, tzinfo
from itertools import groupby

from archiver.intervals import Interval
from archiver.outputs import ProvenBar
from archiver.value import Value
from archiver.web.state import SearchState
from archiver.web.times import in_zone, within

WIDTH, HEIGHT = 720, 96  # units of the drawing
_LAST = "9999-12-31"
_GAP = 0.15  # of a bar's place


class Rectangle(Value):
    """A bar: its place, what it says, and the address that narrows the search to it; None if that can't be said."""

    x: float
    y: float
    width: float
    height: float
    name: str
    count: int
    is_proven: bool
    href: str | None


class Drawing(Value):
    """The bars of a histogram with their interval and the largest count. `gaps` are the parts that are not proven
    complete: where each begins, and its width.
    """

    interval: str
    bars: tuple[Rectangle, ...]
    most: int
    gaps: tuple[tuple[float, float], ...]


def drawing(interval: Interval, bars: Sequence[ProvenBar], state: SearchState, zone: tzinfo) -> Drawing | None:
    """The histogram; None if there is nothing to draw."""
    if not bars:
        return None
    most = max(row.bar.count for row in bars)
    place = WIDTH / len(bars)
    href = _href_of_hour if interval is Interval.HOUR else _href
    rectangles = tuple(_rectangle(row, at * place, place, most, href(row, state, zone)) for at, row in enumerate(bars))
    return Drawing(interval.value, rectangles, most, tuple(_gaps(bars, place)))


def _gaps(bars: Sequence[ProvenBar], place: float) -> Iterator[tuple[float, float]]:
    at = 0
    for is_proven, run in groupby(bar.is_proven for bar in bars):
        length = len(list(run))
        if not is_proven:
            yield round(at * place, 1), round(length * place, 1)
        at += length


def _rectangle(row: ProvenBar, x: float, place: float, most: int, href: str | None) -> Rectangle:
    height = max(row.bar.count / max(most, 1) * HEIGHT, 2.0) if row.bar.count else 0.0
    left, width = x + place * _GAP / 2, place * (1 - _GAP)
    left, top, width, height = (round(value, 1) for value in (left, HEIGHT - height, width, height))
    return Rectangle(left, top, width, height, row.name, row.bar.count, row.is_proven, href)


def _href(row: ProvenBar, state: SearchState, zone: tzinfo) -> str | None:
    start, last = in_zone(row.bar.start, zone), (row.bar.end - timedelta(microseconds=1)).astimezone(zone)
    from_day, to_day = max(f"{start:%Y-%m-%d}", state.from_day), min(f"{last:%Y-%m-%d}", state.to_day or _LAST)
    return state.between(from_day, to_day) if row.bar.count else None


def _href_of_hour(row: ProvenBar, state: SearchState, zone: tzinfo) -> str | None:
    """Days bound a search, so an hour is a filter; in UTC, because a zone may have the same hour twice."""
    field = "sent" if state.scope == "message" else "started"
    return state.with_filter(within(field, row.bar.start, row.bar.end)) if row.bar.count else None
