"""Counts the results of a query by facets and calendar intervals."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from itertools import pairwise

from archiver.errors import AccessDenied, StoreError, known_word
from archiver.index.axes import Axis, Tally
from archiver.index.spans import DAYS, Spans, bounded, is_possible, spans_of
from archiver.index.store import Store
from archiver.intervals import Interval, begins
from archiver.model import DAY_MS, Window, from_ms, to_ms
from archiver.query import FACETS, IN_ORDER, MESSAGE_FACETS, Query, Scope
from archiver.value import Value

_INTERVALS = tuple(Interval)
# With an interval up to so long, so many are not too many to look at.
_FITTING = (
    (timedelta(days=3), Interval.HOUR), (timedelta(days=70), Interval.DAY), (timedelta(days=400), Interval.WEEK),
    (timedelta(days=6 * 365), Interval.MONTH),
)  # fmt: skip


def countable(scope: Scope) -> tuple[str, ...]:
    """The facets that results of a scope can be counted by. An interval is that of a conversation's start, or that in
    which a message was sent.
    """
    return (*(FACETS if scope is Scope.CONVERSATION else sorted(MESSAGE_FACETS)), *_INTERVALS)


class Facet(Value):
    """How many results have a value; the value is None for those that have none."""

    value: str | None
    count: int


class Counts(Value):
    """How many results have each value of a facet: most frequent first, or intervals and scores in their own order;
    those without a value come last. `others`: how many less frequent values were left out; `rest`: the sum of their
    counts. The counts add up to `total`, the number of results, unless a result has several values.
    """

    facet: str
    total: int
    values: tuple[Facet, ...]
    others: int = 0
    rest: int = 0

    @property
    def is_overlapping(self) -> bool:
        """Whether results have several values, so that the counts add up to more than the total."""
        return sum(item.count for item in self.values) + self.rest > self.total


class Table(Value):
    """Counts by two facets: `cells` holds the results that have both values."""

    rows: Counts
    columns: Counts
    cells: Mapping[tuple[str | None, ...], int]


class Bar(Value):
    """The results of one interval `[start, end)`."""

    start: datetime
    end: datetime
    count: int


class Histogram(Value):
    """The results of each interval from the first to the last one with any. `elsewhere`: results of an unknown time, or
    of one that can't be (before 1990, after 2100).
    """

    interval: Interval
    bars: tuple[Bar, ...]
    elsewhere: int


class Counting:
    """Counts the results of a query: conversations or messages, as the scope says, in intervals of a time zone. All
    methods raise StoreError, ConfigError if there are too many intervals, and AccessDenied for `hidden` facets.
    """

    def __init__(
        self, store: Store, query: Query, scope: Scope, zone: tzinfo, *, hidden: Set[str] = frozenset()
    ) -> None:  # fmt: skip
        self._store, self._scope, self._zone = store, scope, zone
        self.hidden = hidden
        self._expression = query.expression
        self._known: dict[tuple[Axis, ...], Tally] = {}

    @cached_property
    def total(self) -> int:
        """How many results there are."""
        return sum(self._tally(DAYS).values())

    def count_ahead(self, facets: Iterable[str]) -> None:
        """Counts by several facets and by time in one question to the index, from which the other methods answer then.
        If there are too many values for one question, they ask one by one.
        """
        known = set(countable(self._scope)) - self.hidden - set(_INTERVALS)
        asked = [(DAYS,), *((Axis(facet),) for facet in facets if facet in known)]
        with suppress(StoreError):
            self._known.update(zip(asked, self._store.tallies(self._expression, asked, scope=self._scope), strict=True))

    def by(self, facet: str, limit: int | None = None) -> Counts:
        """The `limit` most frequent values of a facet (`countable`), or all; intervals that have results always all."""
        counts = {value: count for (value,), count in self.cells(facet).items()}
        without = [Facet(None, counts.pop(None))] if None in counts else []
        ordered = _ordered(facet, [(value, count) for value, count in counts.items() if value is not None])
        most = len(ordered) if limit is None or facet in (*IN_ORDER, *_INTERVALS) else limit
        values = (*(Facet(*pair) for pair in ordered[:most]), *without)
        return Counts(facet, self.total, values, len(ordered[most:]), sum(count for _, count in ordered[most:]))

    def table(self, rows: str, columns: str, most_rows: int, most_columns: int) -> Table:
        """The same for two facets at once; the cells of values that were left out are there, too."""
        return Table(self.by(rows, most_rows), self.by(columns, most_columns), self.cells(rows, columns))

    def cells(self, *facets: str) -> Mapping[tuple[str | None, ...], int]:
        """The count of each combination of values of one facet or two, as people read them; intervals in their order.
        None stands for no value.
        """
        for facet in facets:
            known_word(facet, countable(self._scope), f"{self._scope} facet")
            if facet in self.hidden:
                raise AccessDenied(f"the values of {facet} are personal data", hint="Count by another facet.")
        spans = {facet: self._spans(Interval(facet)) for facet in facets if facet in _INTERVALS}
        axes = [spans[facet].axis if facet in spans else Axis(facet) for facet in facets]
        counts: Counter[tuple[str | None, ...]] = Counter()
        for cell, count in self._tally(*axes).items():
            pairs = zip(facets, cell, strict=True)
            counts[tuple(spans[facet].name(value) if facet in spans else value for facet, value in pairs)] += count
        return counts

    def histogram(self, interval: Interval | None = None) -> Histogram:
        """The results by intervals; by default by the shortest ones that are not too many to look at."""
        chosen = interval or self._fitting()
        if not self._days:
            return Histogram(chosen, (), self.total)
        whole = Window(from_ms(min(self._days)), from_ms(max(self._days) + DAY_MS))
        pairs = tuple(pairwise(bounded(begins(chosen, whole, self._zone), chosen)))
        counts = self._counts_of(Spans(chosen, self._zone, pairs))
        bars = [Bar(start, end, counts.get(to_ms(start), 0)) for start, end in pairs]
        return Histogram(chosen, _without_ends(bars), self.total - sum(self._days.values()))

    def _fitting(self) -> Interval:
        """The shortest intervals that are not too many to look at."""
        length = timedelta(milliseconds=max(self._days) - min(self._days)) if self._days else timedelta(0)
        return next((interval for most, interval in _FITTING if length < most), Interval.YEAR)

    def _tally(self, *axes: Axis) -> Tally:
        if axes not in self._known:
            (self._known[axes],) = self._store.tallies(self._expression, [axes], scope=self._scope)
        return self._known[axes]

    def _spans(self, interval: Interval) -> Spans:
        """The intervals in which there are results."""
        return spans_of(interval, self._zone, self._days)

    @cached_property
    def _days(self) -> dict[int, int]:
        """How many results each day of UTC has, by its begin; only days that have some and that are possible."""
        return {day: count for (day,), count in self._tally(DAYS).items() if is_possible(day)}

    def _counts_of(self, spans: Spans) -> dict[int, int]:
        """How many results each interval has, by its begin; only those that have some."""
        if all(start % DAY_MS == 0 for start in spans.starts):
            return self._sums(sorted(spans.starts))
        counts = {edge: count for (edge,), count in self._tally(spans.axis).items()}
        return {edge: count for edge, count in counts.items() if edge in spans.starts}

    def _sums(self, starts: Sequence[int]) -> dict[int, int]:
        """The same for intervals of whole days of UTC that follow one another, without asking the index again."""
        sums = Counter[int]()
        for day, count in self._days.items():
            sums[starts[bisect_right(starts, day) - 1]] += count
        return sums


def _without_ends(bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """The bars from the first to the last one with results."""
    held = [at for at, bar in enumerate(bars) if bar.count]
    return tuple(bars[held[0] : held[-1] + 1]) if held else ()


def _ordered(facet: str, counts: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Values with their counts: most frequent first, or in their own order; intervals are in it."""
    if facet in _INTERVALS:
        return counts
    return sorted(counts, key=lambda pair: float(pair[0]) if facet in IN_ORDER else (-pair[1], pair[0]))
