"""Calendar intervals as an axis to count by: those that hold results, whatever lies between."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from itertools import pairwise

from archiver.errors import ConfigError
from archiver.index.axes import Axis
from archiver.intervals import Interval, begins, written
from archiver.model import BEFORE_ALL_MS, DAY_MS, EPOCH, Window, from_ms, to_ms

DAYS = Axis(width_ms=DAY_MS)  # days of UTC, which both engines count at once, however many they are
MOST_INTERVALS = 50_000
FIRST_MS, _END_MS = to_ms(EPOCH.replace(year=1990)), to_ms(EPOCH.replace(year=2101))  # of what can be of LivePerson
_UNKNOWN = 0  # indexes hold an unknown time as the epoch


def is_possible(day_ms: int) -> bool:
    """Whether conversations can be of a day."""
    return FIRST_MS <= day_ms < _END_MS


def spans_of(interval: Interval, zone: tzinfo, days: Iterable[int]) -> Spans:
    """All intervals that share time with days of UTC. Raises ConfigError if they are too many."""
    return _over(_runs(sorted(days)), interval, zone)


def spans_between(interval: Interval, zone: tzinfo, days: Collection[int]) -> Spans:
    """All intervals from the first of some days of UTC to the last one. Raises ConfigError if they are too many."""
    whole = [Window(from_ms(min(days)), from_ms(max(days) + DAY_MS))] if days else []
    return _over(whole, interval, zone)


def _over(windows: Iterable[Window], interval: Interval, zone: tzinfo) -> Spans:
    pairs: dict[tuple[datetime, datetime], None] = {}
    for pair in (pair for window in windows for pair in pairwise(begins(interval, window, zone))):
        pairs[pair] = None
        if len(pairs) > MOST_INTERVALS:
            raise ConfigError(
                f"the results span more than {MOST_INTERVALS:,} intervals of one {interval}",
                hint="Narrow the query's dates, or count by longer intervals.",
            )
    return Spans(interval, zone, tuple(pairs))


def _runs(days: list[int]) -> Iterator[Window]:
    """Days in their order as spans without gaps."""
    start = 0
    for at, day in enumerate(days):
        if at + 1 == len(days) or days[at + 1] > day + DAY_MS:
            yield Window(from_ms(days[start]), from_ms(day + DAY_MS))
            start = at + 1


@dataclass(frozen=True)
class Spans:
    """Intervals of a kind in a time zone, each with its end, in their order. They may have gaps, in which nothing is
    expected.
    """

    interval: Interval
    zone: tzinfo
    pairs: tuple[tuple[datetime, datetime], ...]

    @cached_property
    def starts(self) -> frozenset[int]:
        """The begins of the intervals, in milliseconds since the epoch."""
        return frozenset(to_ms(start) for start, _ in self.pairs)

    @property
    def are_days_of_utc(self) -> bool:
        """Whether each interval consists of whole days of UTC."""
        return all(start % DAY_MS == 0 for start in self.starts)

    @cached_property
    def axis(self) -> Axis:
        """All time there is, cut at the intervals and where it can't be of LivePerson."""
        inner = {to_ms(moment) for pair in self.pairs for moment in pair}
        bounds = {FIRST_MS, _END_MS}
        return Axis(edges=tuple(sorted({BEFORE_ALL_MS, _UNKNOWN, _UNKNOWN + 1, *bounds, *inner, -BEFORE_ALL_MS})))

    def name(self, edge: int) -> str | None:
        """What results from an edge of the axis on are counted under; None for an unknown time."""
        if edge == _UNKNOWN:
            return None
        if edge in self.starts:
            return written(self.interval, from_ms(edge), self.zone)
        if edge >= _END_MS:
            return f"{from_ms(edge):%Y-%m-%d} or later"
        end = max(next(other for other in self.axis.edges if other > edge), FIRST_MS)
        return f"before {from_ms(end).astimezone(self.zone):%Y-%m-%d}"
