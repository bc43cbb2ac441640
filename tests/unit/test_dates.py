"""Dates and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from archiver.dates import parse_duration, parse_span
from archiver.model import Window
from tests.conftest import NOW


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-03-31", datetime(2026, 3, 31, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)),
        ("2025-12", datetime(2025, 12, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
        ("2024", datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)),
        ("yesterday", datetime(2026, 6, 14, tzinfo=UTC), datetime(2026, 6, 15, tzinfo=UTC)),
        ("2026-03-31T14:05+02:00", datetime(2026, 3, 31, 12, 5, tzinfo=UTC), datetime(2026, 3, 31, 12, 6, tzinfo=UTC)),
    ],
)
def test_a_date_names_a_whole_span(text: str, start: datetime, end: datetime) -> None:
    assert parse_span(text, NOW) == Window(start, end)


def test_lengths_of_time_reach_back_from_now() -> None:
    assert parse_span("90d", NOW).start == NOW - timedelta(days=90)
    assert parse_span("now-13mo", NOW).start == datetime(2025, 5, 15, 12, tzinfo=UTC)
    assert parse_duration("1.5h") == timedelta(minutes=90)


@pytest.mark.parametrize("text", ["soon", "2026-13", "31.03.2026", "999999y", "", "9999", "0000-01-01"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_span(text, NOW)
