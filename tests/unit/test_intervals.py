"""Hours, days, weeks, months, quarters and years of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.intervals import Interval, begin_of, begins, written
from archiver.model import Window

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [UTC, *map(ZoneInfo, ("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"))]
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LONGEST = {
    Interval.HOUR: timedelta(hours=1, minutes=30), Interval.DAY: timedelta(hours=25), Interval.WEEK: timedelta(days=8),
    Interval.MONTH: timedelta(days=32), Interval.QUARTER: timedelta(days=93), Interval.YEAR: timedelta(days=367),
}  # fmt: skip


@given(st.sampled_from(list(Interval)), MOMENTS, st.integers(1, 10**9), ZONES)
def test_intervals_follow_one_another_without_gap_or_overlap(
    interval: Interval, start: datetime, seconds: int, zone: ZoneInfo
) -> None:
    most = LONGEST[interval] * 50
    span = Window(start, min(start + timedelta(seconds=seconds), start + most))
    edges = list(begins(interval, span, zone))
    assert edges[0] <= span.start
    assert edges[-1] >= span.end
    assert all(edge < span.end for edge in edges[:-1])
    for begin, end in pairwise(edges):
        assert timedelta(0) < end - begin <= LONGEST[interval]
        assert begin_of(interval, begin, zone) == begin
        assert begin_of(interval, end - timedelta(seconds=1), zone) == begin


@pytest.mark.parametrize(
    ("interval", "moment", "begin", "name"),
    [
        (Interval.HOUR, "2026-11-25T13:59:59", "2026-11-25T13:00:00", "2026-11-25 14:00"),
        (Interval.DAY, "2026-11-25T22:59:59", "2026-11-24T23:00:00", "2026-11-25"),
        (Interval.DAY, "2026-11-25T23:00:00", "2026-11-25T23:00:00", "2026-11-26"),
        (Interval.DAY, "2026-03-29T10:00:00", "2026-03-28T23:00:00", "2026-03-29"),
        (Interval.WEEK, "2026-11-29T12:00:00", "2026-11-22T23:00:00", "2026-11-23"),
        (Interval.MONTH, "2026-03-31T22:00:00", "2026-03-31T22:00:00", "2026-04"),
        (Interval.MONTH, "2026-03-31T21:59:59", "2026-02-28T23:00:00", "2026-03"),
        (Interval.QUARTER, "2026-12-31T22:59:59", "2026-09-30T22:00:00", "2026-Q4"),
        (Interval.YEAR, "2026-12-31T23:00:00", "2026-12-31T23:00:00", "2027"),
    ],
)
def test_an_interval_begins_at_midnight_or_the_full_hour_of_the_zone(
    interval: Interval, moment: str, begin: str, name: str
) -> None:
    found = begin_of(interval, datetime.fromisoformat(moment).replace(tzinfo=UTC), BERLIN)
    assert found == datetime.fromisoformat(begin).replace(tzinfo=UTC)
    assert written(interval, found, BERLIN) == name


def test_a_day_on_which_clocks_change_is_one_day_of_its_length() -> None:
    day = Window(datetime(2026, 3, 29, 5, tzinfo=UTC), datetime(2026, 3, 29, 6, tzinfo=UTC))
    start, end = begins(Interval.DAY, day, BERLIN)
    assert end - start == timedelta(hours=23)
