"""Counts by facets and intervals, in every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from archiver.errors import ConfigError
from archiver.index.counting import Counting, Facet
from archiver.intervals import Interval
from archiver.query.ast import Scope
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
        Facet("before 2026-01-01", 1), Facet("2026-01", 1), Facet("2026-02", 1), Facet("2026-03", 1),
        Facet("2026-04", 1), Facet("2027-01-01 or later", 1), Facet(None, 1),
    )  # fmt: skip
    assert sum(item.count for item in found.values) == found.total == len(STARTS)


def test_a_histogram_has_every_interval_from_the_first_to_the_last_result(opened: Opened) -> None:
    found = counting(opened, STARTS).histogram(Interval.MONTH)
    assert [(f"{bar.start:%Y-%m}", bar.count) for bar in found.bars] == [("2026-01", 2), ("2026-02", 0), ("2026-03", 2)]
    assert (found.elsewhere, found.bars[-1].end) == (3, datetime(2026, 4, 1, tzinfo=UTC))


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
