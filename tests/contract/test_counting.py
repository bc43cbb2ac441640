"""Counts by facets and intervals, in every store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from archiver.errors import ConfigError, StoreBusy
from archiver.index.axes import Axes, Tally, too_many_values
from archiver.index.counting import Counting, Facet
from archiver.intervals import Interval, begin_of
from archiver.query.ast import Expression, Scope
from archiver.query.parser import parse
from archiver.transcript.projection import project
from tests.conftest import NOW, record
from tests.contract.stores import Opened, put

BERLIN = ZoneInfo("Europe/Berlin")


def counting(opened: Opened, starts: list[datetime | None], query: str = "", **how: object) -> Counting:
    store = opened.make()
    made = [
        project(record(f"c{at}", start or NOW, "same", "answer", info={} if start else {"startTimeL": None}))
        for at, start in enumerate(starts)
    ]
    put(store, made, applied=len(made))
    return Counting(store, parse(query, now=NOW), how.get("scope", Scope.CONVERSATION), how.get("zone", UTC))  # type: ignore[arg-type]


STARTS = [
    datetime(2026, 1, 31, 22, 30, tzinfo=UTC), datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
    datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), None,
    datetime(1971, 5, 5, tzinfo=UTC), datetime(2150, 1, 1, tzinfo=UTC),
]  # fmt: skip


def test_months_are_those_of_the_time_zone_in_order_and_impossible_times_are_named(opened: Opened) -> None:
    found = counting(opened, STARTS, zone=BERLIN).by("month")
    assert found.values == (
        Facet("before 1990-01-01", 1), Facet("2026-01", 1), Facet("2026-02", 1), Facet("2026-03", 1),
        Facet("2026-04", 1), Facet("2101-01-01 or later", 1), Facet(None, 1),
    )  # fmt: skip
    assert sum(item.count for item in found.values) == found.total == len(STARTS)


def test_a_histogram_has_every_interval_from_the_first_to_the_last_result(opened: Opened) -> None:
    found = counting(opened, STARTS).histogram(Interval.MONTH)
    assert [(f"{bar.start:%Y-%m}", bar.count) for bar in found.bars] == [("2026-01", 2), ("2026-02", 0), ("2026-03", 2)]
    assert (found.elsewhere, found.bars[-1].end) == (3, datetime(2026, 4, 1, tzinfo=UTC))


RESULTS, SENT = ("2026-01-31", "2026-03-31"), ("2026-01-31", "2026-04-01")
# Query → the first and last day of the histogram of conversations, and of that of messages.
ASKED = {
    "after:2026-01-20": (("2026-01-20", "2026-06-15"),) * 2,
    "before:2026-04-20": (("2026-01-31", "2026-04-20"), SENT),
    "after:2026-03-01 before:2026-03-03": (("2026-03-01", "2026-03-03"), ("2026-03-01", "2026-06-15")),
    "sent:2026-01-20..2026-04-20": (RESULTS, ("2026-01-20", "2026-04-20")),
    "after:2026-02-10 before:2027-01-01": (("2026-02-10", "2026-06-15"),) * 2,
    "after:2026-03-30 same": (("2026-03-30", "2026-06-15"),) * 2,
    "after:1980-01-01": (("1990-01-01", "2026-06-15"),) * 2,
    "same": (RESULTS, RESULTS),
    "after:2026-01-01 OR same": (RESULTS, SENT),
}


@pytest.mark.parametrize("scope", Scope)
def test_a_histogram_begins_and_ends_with_the_time_that_is_asked_for(opened: Opened, scope: Scope) -> None:
    filled = counting(opened, [start for start in STARTS if start and 1990 < start.year < 2100])
    for query, ends in ASKED.items():
        asked = Counting(filled._store, parse(query, now=NOW), scope, UTC)
        found = asked.histogram(until=NOW)
        alone = asked.histogram(found.interval)
        assert [bar for bar in found.bars if bar.count] == [bar for bar in alone.bars if bar.count], query
        days = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in ends[scope is Scope.MESSAGE]]
        assert found.bars[0].start == begin_of(found.interval, days[0], UTC), query
        assert found.bars[-1].start <= days[1] + timedelta(days=1, seconds=-1) < found.bars[-1].end, query
        assert all(one.end == other.start for one, other in pairwise(found.bars)), query
    asked = Counting(filled._store, parse("after:2027-01-01", now=NOW), scope, UTC)
    assert asked.histogram(until=NOW).bars == ()
    none = Counting(filled._store, parse("zzz after:2026-06-10", now=NOW), scope, UTC).histogram(until=NOW).bars
    assert [(bar.start.day, bar.count) for bar in none] == [(day, 0) for day in range(10, 16)]


@pytest.mark.parametrize(
    ("length", "interval"),
    [(timedelta(hours=5), "hour"), (timedelta(days=20), "day"), (timedelta(days=200), "week"),
     (timedelta(days=900), "month"), (timedelta(days=9_000), "year")],
)  # fmt: skip
def test_bars_that_nobody_chose_are_neither_too_many_nor_too_few(
    opened: Opened, length: timedelta, interval: str
) -> None:
    found = counting(opened, [NOW, NOW - length]).histogram()
    assert found.interval == interval
    assert sum(bar.count for bar in found.bars) == 2


def test_hours_of_many_years_are_refused_with_what_to_do(opened: Opened) -> None:
    asked = counting(opened, [NOW - timedelta(days=366 * years) for years in range(7)])
    with pytest.raises(ConfigError, match="intervals of one hour") as caught:
        asked.histogram(Interval.HOUR)
    assert "longer intervals" in str(caught.value.hint)


def test_messages_are_counted_where_the_scope_says_messages(opened: Opened) -> None:
    asked = counting(opened, [NOW, NOW - timedelta(days=40)], scope=Scope.MESSAGE)
    assert (asked.total, asked.by("from").values) == (4, (Facet("agent", 2), Facet("customer", 2)))
    assert asked.by("skill").values == (Facet("Restaurants", 4),)
    assert [item.count for item in asked.by("month").values] == [2, 2]


def test_a_table_adds_up_to_its_rows_and_columns(opened: Opened) -> None:
    table = counting(opened, [NOW, NOW, NOW - timedelta(days=40)]).table("month", "has", 10, 10)
    for row in table.rows.values:
        assert sum(count for (value, _), count in table.cells.items() if value == row.value) == row.count
    for column in table.columns.values:
        assert sum(count for (_, value), count in table.cells.items() if value == column.value) == column.count


def test_a_facet_that_results_don_t_have_is_an_error_with_the_nearest_one(opened: Opened) -> None:
    with pytest.raises(ConfigError, match="no message facet 'sde'"):
        counting(opened, [NOW], scope=Scope.MESSAGE).by("sde")
    with pytest.raises(ConfigError) as caught:
        counting(opened, [NOW]).by("skil")
    assert "skill" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia"])
@pytest.mark.parametrize("interval", [None, *Interval])
def test_each_bar_holds_what_started_in_it_in_every_zone(opened: Opened, name: str, interval: Interval | None) -> None:
    zone = ZoneInfo(name)
    starts = [datetime(2026, 3, 28, tzinfo=UTC) + number * timedelta(hours=5, minutes=50) for number in range(30)]
    found = counting(opened, [*starts, *STARTS], zone=zone).histogram(interval)
    known = [at for at in (*starts, *STARTS) if at and 1990 <= at.year <= 2100]
    expected = Counter(begin_of(found.interval, at, zone) for at in known)
    assert {bar.start: bar.count for bar in found.bars if bar.count} == expected
    assert (found.bars[0].start, found.bars[-1].start) == (min(expected), max(expected))
    assert all(one.end == other.start for one, other in pairwise(found.bars))
    assert found.elsewhere == 3


def test_what_was_counted_ahead_is_asked_once_and_is_what_each_question_alone_gives(opened: Opened) -> None:
    alone, asked = counting(opened, STARTS), counting(opened, STARTS)
    expected = {facet: alone.by(facet) for facet in ("skill", "has", "month")}, alone.histogram(), alone.total
    questions = list[int]()
    tallies = asked._store.tallies

    def noted(expression: Expression, wanted: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        questions.append(len(wanted))
        return tallies(expression, wanted, scope=scope)

    asked._store.tallies = noted  # type: ignore[method-assign]
    asked.count_ahead(["skill", "has", "month", "no facet"])
    assert ({facet: asked.by(facet) for facet in ("skill", "has", "month")}, asked.histogram(), asked.total) == expected
    assert questions == [3, 2]  # days, skill, has; and the months, which are no facet of the index, beside the days


def refuse_several(asked: Counting) -> None:
    """Makes the store refuse to count by several axes in one question."""
    tallies = asked._store.tallies

    def bounded(expression: Expression, wanted: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        if len(wanted) > 1:
            raise too_many_values()
        return tallies(expression, wanted, scope=scope)

    asked._store.tallies = bounded  # type: ignore[method-assign]


def test_too_many_values_for_one_question_are_asked_for_one_by_one(opened: Opened) -> None:
    asked = counting(opened, STARTS)
    refuse_several(asked)
    asked.count_ahead(["skill", "has"])
    assert (asked.total, asked.by("skill").values) == (7, (Facet("Restaurants", 7),))


def test_hours_go_on_where_the_clock_is_set_back_by_half_an_hour(opened: Opened) -> None:
    starts = [datetime(2026, 4, 4, hour, 10, tzinfo=UTC) for hour in (10, 14, 15, 20)]
    found = counting(opened, starts, zone=ZoneInfo("Australia/Lord_Howe")).histogram(Interval.HOUR)
    assert [bar.count for bar in found.bars if bar.count] == [1, 2, 1]  # one hour is half an hour longer
    assert all(one.end == other.start for one, other in pairwise(found.bars))


class Growing:
    """Counts of a store that is written before some of the questions, as by a harvest meanwhile."""

    def __init__(self, asked: Counting, before: Callable[[int], bool]) -> None:
        self._asked, self._before = asked, before
        self._tallies, self.questions, self.added = asked._store.tallies, 0, 0
        asked._store.tallies = self._answer  # type: ignore[method-assign]

    def _answer(self, expression: Expression, wanted: Sequence[Axes], *, scope: Scope) -> list[Tally]:
        self.questions += 1
        if self._before(self.questions):
            self.added += 1
            start = datetime(2025, 1, 1, 23, 30, tzinfo=UTC) + timedelta(days=50 * self.added)
            more = project(record(f"more{self.added}", start, "same", "answer", info={"latestSkillName": "Sales"}))
            put(self._asked._store, [more], applied=len(STARTS) + self.added)
        return self._tallies(expression, wanted, scope=scope)


@pytest.mark.parametrize("interval", [None, *Interval])
def test_bars_add_up_though_the_index_grows_between_two_questions(opened: Opened, interval: Interval | None) -> None:
    asked = counting(opened, STARTS, zone=BERLIN)
    asked.count_ahead(["skill"])
    growing = Growing(asked, lambda number: number == 1)
    found = asked.histogram(interval)
    assert growing.added == 1
    assert sum(bar.count for bar in found.bars) + found.elsewhere == asked.total == len(STARTS) + 1
    skills = asked.by("skill")
    assert sum(item.count for item in skills.values) == skills.total == asked.total
    named = asked.by(found.interval)
    assert sum(item.count for item in named.values) == named.total
    assert [item.value for item in named.values if item.value and item.value.startswith("before")] == [
        "before 1990-01-01"
    ]


def test_a_table_adds_up_though_the_index_grows_between_its_questions(opened: Opened) -> None:
    for at in (1, 2):
        asked = counting(opened, STARTS, zone=BERLIN)
        growing = Growing(asked, lambda number, at=at: number == at)  # type: ignore[misc]
        table = asked.table("month", "skill", 50, 50)
        assert growing.added == 1
        assert table.rows.total == table.columns.total == sum(table.cells.values()) == asked.total


def test_a_table_is_of_one_moment_though_a_conversation_is_read_again_between_its_questions(opened: Opened) -> None:
    asked = counting(opened, [NOW, NOW - timedelta(days=1)])
    assert asked.total == 2
    changed = project(record("c1", NOW - timedelta(days=1), "same", "answer", info={"latestSkillName": "Sales"}))
    put(asked._store, [changed], applied=3)
    assert asked.by("skill").total == 2
    table = asked.table("skill", "has", 10, 10)
    assert {item.value for item in table.rows.values} == {row for row, _ in table.cells} == {"Restaurants", "Sales"}


def test_what_is_asked_one_by_one_adds_up_though_the_index_grows_meanwhile(opened: Opened) -> None:
    asked = counting(opened, STARTS)
    assert asked.total == len(STARTS)
    growing = Growing(asked, lambda number: number == 3)
    refuse_several(asked)
    counts = asked.by("skill")
    assert growing.added == 1
    assert sum(item.count for item in counts.values) == counts.total == len(STARTS) + 1


def test_an_index_that_changes_at_every_question_is_not_counted_wrongly(opened: Opened) -> None:
    asked = counting(opened, STARTS, zone=BERLIN)
    Growing(asked, lambda number: True)
    with pytest.raises(StoreBusy, match="changes faster") as caught:
        asked.histogram(Interval.DAY)
    assert "Try again" in str(caught.value.hint)


def test_a_day_that_a_zone_skipped_is_no_bar(opened: Opened) -> None:
    starts = [datetime(2011, 12, 29, 12, tzinfo=UTC), datetime(2011, 12, 30, 12, tzinfo=UTC)]
    found = counting(opened, starts, zone=ZoneInfo("Pacific/Apia")).histogram(Interval.DAY)
    assert [(bar.start, bar.count) for bar in found.bars] == [
        (datetime(2011, 12, 29, 10, tzinfo=UTC), 1), (datetime(2011, 12, 30, 10, tzinfo=UTC), 1),
    ]  # fmt: skip
