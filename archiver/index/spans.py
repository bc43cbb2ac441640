"""Calendar intervals as an axis to count by: those of the years that hold results, whatever lies between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import pairwise
from typing import TypeVar

from archiver.errors import ConfigError
from archiver.index.axes import Axis
from archiver.intervals import Interval, begins, written
from archiver.model import BEFORE_ALL_MS, EPOCH, Window, from_ms, to_ms

_FIRST_YEAR, _LAST_YEAR = 1990, 2100  # times outside of them can't be of LivePerson
_UNKNOWN = 0  # indexes hold an unknown time as the epoch
MOST_INTERVALS = 50_000
T = TypeVar("T")


def years(zone: tzinfo) -> Spans:
    """The years in which LivePerson's conversations can be."""
    span = Window(EPOCH.replace(year=_FIRST_YEAR, day=2), EPOCH.replace(year=_LAST_YEAR, month=12))
    return Spans(Interval.YEAR, zone, tuple(pairwise(begins(Interval.YEAR, span, zone))))


def bounded(found: Iterable[T], interval: Interval) -> Iterator[T]:
    """The same intervals. Raises ConfigError if they are too many."""
    for number, item in enumerate(found):
        if number > MOST_INTERVALS:
            raise ConfigError(
                f"the results span more than {MOST_INTERVALS:,} intervals of one {interval}",
                hint="Narrow the query's dates, or count by longer intervals.",
            )
        yield item


@dataclass(frozen=True)
class Spans:
    """All intervals of a kind in a time zone, each with its end. They may have gaps, in which nothing is expected."""

    interval: Interval
    zone: tzinfo
    pairs: tuple[tuple[datetime, datetime], ...]

    def within(self, interval: Interval, edges: Set[int]) -> Spans:
        """The shorter intervals of those that begin at some edges. Raises ConfigError if they are too many."""
        longer = [Window(start, end) for start, end in self.pairs if to_ms(start) in edges]
        pairs = (pair for span in longer for pair in pairwise(begins(interval, span, self.zone)))
        return Spans(interval, self.zone, tuple(dict.fromkeys(bounded(pairs, interval))))

    @cached_property
    def edges(self) -> frozenset[int]:
        """The begins of the intervals, in milliseconds since the epoch."""
        return frozenset(to_ms(start) for start, _ in self.pairs)

    @property
    def axis(self) -> Axis:
        """All time there is, cut at the intervals."""
        inner = {to_ms(moment) for pair in self.pairs for moment in pair}
        return Axis(edges=tuple(sorted({BEFORE_ALL_MS, _UNKNOWN, _UNKNOWN + 1, *inner, -BEFORE_ALL_MS})))

    def name(self, edge: int) -> str | None:
        """What results from an edge of the axis on are counted under; None for an unknown time."""
        if edge == _UNKNOWN:
            return None
        if edge in self.edges:
            return written(self.interval, from_ms(edge), self.zone)
        later = [other for other in self.edges if edge < other]
        day = from_ms(min(later) if later else edge).astimezone(self.zone)
        return f"before {day:%Y-%m-%d}" if later else f"{day:%Y-%m-%d} or later"
