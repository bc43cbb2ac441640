"""Counts the results of a query by facets and calendar intervals."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo

from archiver.errors import AccessDenied, StoreBusy, TooManyValues, known_word
from archiver.index.axes import Axes, Axis, Tally
from archiver.index.spans import DAYS, FIRST_MS, Spans, is_possible, spans_between, spans_of
from archiver.index.store import Store
from archiver.intervals import Interval
from archiver.model import DAY_MS, to_ms
from archiver.query import FACETS, IN_ORDER, MESSAGE_FACETS, SENT, Query, Scope, asked_span
from archiver.value import Value

_INTERVALS = tuple(Interval)
_DAYS = (DAYS,)
TRIES = 5  # while the index is written
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


Cells = Mapping[tuple[str | None, ...], int]


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
    cells: Cells


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

    What a method returns adds up to the total of that moment. What was counted once stays, until an answer shows that
    the index holds other results by now: then it is counted again, and `changes` is one more.
    """

    def __init__(
        self, store: Store, query: Query, scope: Scope, zone: tzinfo, *, hidden: Set[str] = frozenset()
    ) -> None:  # fmt: skip
        self._store, self._scope, self._zone = store, scope, zone
        self.hidden = hidden
        self._expression = query.expression
        self._known: dict[tuple[Axis, ...], Tally] = {}
        self.changes = 0

    @property
    def total(self) -> int:
        """How many results there are."""
        return sum(self._by_day().values())

    def count_ahead(self, facets: Iterable[str]) -> None:
        """Counts by several facets and by time in one question to the index, from which the other methods answer then.
        If there are too many values for one question, they ask one by one.
        """
        known = set(countable(self._scope)) - self.hidden - set(_INTERVALS)
        asked = [_DAYS, *((Axis(facet),) for facet in facets if facet in known)]
        with suppress(TooManyValues):
            self._known = dict(zip(asked, self._ask(asked), strict=True))

    def by(self, facet: str, limit: int | None = None) -> Counts:
        """The `limit` most frequent values of a facet (`countable`), or all; intervals that have results always all."""
        return self._counts(facet, self.cells(facet), limit)

    def table(self, rows: str, columns: str, most_rows: int, most_columns: int) -> Table:
        """The same for two facets at once; the cells of values that were left out are there, too."""
        by_row, by_column, cells = self._cells([(rows,), (columns,), (rows, columns)])
        return Table(self._counts(rows, by_row, most_rows), self._counts(columns, by_column, most_columns), cells)

    def cells(self, *facets: str) -> Cells:
        """The count of each combination of values of one facet or two, as people read them; intervals in their order.
        None stands for no value.
        """
        (cells,) = self._cells([facets])
        return cells

    def _counts(self, facet: str, cells: Cells, limit: int | None) -> Counts:
        counts = {value: count for (value,), count in cells.items()}
        without = [Facet(None, counts.pop(None))] if None in counts else []
        ordered = _ordered(facet, [(value, count) for value, count in counts.items() if value is not None])
        most = len(ordered) if limit is None or facet in (*IN_ORDER, *_INTERVALS) else limit
        values = (*(Facet(*pair) for pair in ordered[:most]), *without)
        return Counts(facet, self.total, values, len(ordered[most:]), sum(count for _, count in ordered[most:]))

    def _cells(self, wanted: Sequence[tuple[str, ...]]) -> list[Cells]:
        """The cells of one facet or two for each that is wanted, all in one question."""
        for facet in (facet for facets in wanted for facet in facets):
            known_word(facet, countable(self._scope), f"{self._scope} facet")
            if facet in self.hidden:
                raise AccessDenied(f"the values of {facet} are personal data", hint="Count by another facet.")
        spans: dict[str, Spans] = {}

        def axes() -> list[tuple[Axis, ...]]:
            for facet in {facet for facets in wanted for facet in facets} & set(_INTERVALS):
                spans[facet] = spans_of(Interval(facet), self._zone, self._possible_days())
            return [
                tuple(spans[facet].axis if facet in spans else Axis(facet) for facet in facets) for facets in wanted
            ]

        tallies = self._tallies(axes)
        return [_named(facets, tally, spans) for facets, tally in zip(wanted, tallies, strict=True)]

    def histogram(self, interval: Interval | None = None, *, until: datetime | None = None) -> Histogram:
        """The results by intervals; by default by the shortest ones that are not too many to look at. With `until`, all
        the time is there that the query asks for up to this moment, also what lies before and after the results.
        """
        spans, counts = self._counted_in_spans(interval, until)
        bars = [Bar(start, end, counts.get(to_ms(start), 0)) for start, end in spans.pairs]
        shown = _without_ends(bars, self._asked(until))
        return Histogram(spans.interval, shown, self.total - sum(self._possible_days().values()))

    def _asked(self, until: datetime | None) -> range:
        """The time that the query asks for, in milliseconds. An open side ends with the results, or at a moment. It is
        empty without a moment or a bound.
        """
        (low, high), days = asked_span(self._expression), self._possible_days()
        if self._scope is Scope.MESSAGE:  # messages are sent after their conversation has started
            first, high = asked_span(self._expression, SENT)
            low = max((moment for moment in (low, first) if moment is not None), default=None)
        if until is None or (low is None and (high is None or not days)):
            return range(0)
        start = min(days) if low is None else max(int(low), FIRST_MS)
        return range(start, to_ms(until) if high is None else min(int(high), to_ms(until)))

    def _possible_days(self) -> dict[int, int]:
        """How many results each day of UTC has, by its begin; only days that have some and that are possible."""
        return {day: count for (day,), count in self._by_day().items() if is_possible(day)}

    def _by_day(self) -> Tally:
        if _DAYS not in self._known:
            (self._known[_DAYS],) = self._ask([_DAYS])
        return self._known[_DAYS]

    def _counted_in_spans(self, interval: Interval | None, until: datetime | None) -> tuple[Spans, dict[int, int]]:
        """The intervals from the first to the last result, and those that were asked for, with the number of results of
        each by its begin. Those of whole days of UTC are known by the days.
        """
        spans: list[Spans] = []

        def axes() -> list[tuple[Axis, ...]]:
            asked = self._asked(until)
            days = {*self._possible_days(), *(end // DAY_MS * DAY_MS for end in (*asked[:1], *asked[-1:]))}
            spans[:] = [spans_between(interval or _fitting(days), self._zone, days)]
            return [] if spans[0].are_days_of_utc else [(spans[0].axis,)]

        tallies = self._tallies(axes)
        if not tallies:
            return spans[0], _sums(self._possible_days(), spans[0])
        return spans[0], {edge: count for (edge,), count in tallies[0].items()}

    def _tallies(self, axes_of: Callable[[], list[tuple[Axis, ...]]]) -> list[Tally]:
        """Counts by axes that may depend on the days that have results: by those of the same moment. Several are asked
        for anew, so that they are of one moment.
        """
        for number in range(TRIES):
            wanted = axes_of()
            if (number == 0 and len(wanted) > 1) or not all(axes in self._known for axes in wanted):
                self._count(wanted)
            if all(axes in self._known for axes in wanted):
                return [self._known[axes] for axes in wanted]
        raise too_fast()

    def _count(self, wanted: Sequence[tuple[Axis, ...]]) -> None:
        """Counts by axes. If the index holds other results than those counted so far, the earlier counts are dropped,
        and the caller makes intervals anew from the new days.
        """
        try:
            days, *tallies = self._ask([_DAYS, *wanted])
        except TooManyValues:
            days, tallies = self._counted_one_by_one(wanted)
        if self._known.setdefault(_DAYS, days) != days:
            self._known, self.changes = {_DAYS: days}, self.changes + 1
            if any(axis.edges for axes in wanted for axis in axes):
                return
        self._known.update(zip(wanted, tallies, strict=False))

    def _counted_one_by_one(self, wanted: Sequence[tuple[Axis, ...]]) -> tuple[Tally, list[Tally]]:
        """The days, and the counts by axes in a question for each; none if the days changed meanwhile."""
        (before,) = self._ask([_DAYS])
        tallies = [self._ask([axes])[0] for axes in wanted]
        (days,) = self._ask([_DAYS])
        return days, tallies if days == before else []

    def _ask(self, asked: Sequence[Axes]) -> list[Tally]:
        return self._store.tallies(self._expression, asked, scope=self._scope)


def _named(facets: Sequence[str], tally: Tally, spans: Mapping[str, Spans]) -> Cells:
    """Counts by the values of facets, with intervals as people read them."""
    cells: Counter[tuple[str | None, ...]] = Counter()
    for cell, count in tally.items():
        pairs = zip(facets, cell, strict=True)
        cells[tuple(spans[facet].name(value) if facet in spans else value for facet, value in pairs)] += count
    return cells


def too_fast() -> StoreBusy:
    """The error for an index that is written so often that two answers never fit together."""
    return StoreBusy("the index changes faster than it can be counted", hint="Try again, or narrow the query.")


def _sums(days: Mapping[int, int], spans: Spans) -> dict[int, int]:
    """How many results intervals of whole days of UTC have, by their begin."""
    starts, sums = [to_ms(start) for start, _ in spans.pairs], Counter[int]()
    for day, count in days.items():
        sums[starts[bisect_right(starts, day) - 1]] += count
    return sums


def _fitting(days: Collection[int]) -> Interval:
    """The shortest intervals that are not too many to look at."""
    length = timedelta(milliseconds=max(days) - min(days)) if days else timedelta(0)
    return next((interval for most, interval in _FITTING if length < most), Interval.YEAR)


def _without_ends(bars: Sequence[Bar], asked: range) -> tuple[Bar, ...]:
    """The bars from the first to the last one with results, or of a time that was asked for."""
    held = [
        at for at, bar in enumerate(bars)
        if bar.count or (asked and to_ms(bar.start) < asked.stop and asked.start < to_ms(bar.end))
    ]  # fmt: skip
    return tuple(bars[held[0] : held[-1] + 1]) if held else ()


def _ordered(facet: str, counts: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Values with their counts: most frequent first, or in their own order; intervals are in it."""
    if facet in _INTERVALS:
        return counts
    return sorted(counts, key=lambda pair: float(pair[0]) if facet in IN_ORDER else (-pair[1], pair[0]))
