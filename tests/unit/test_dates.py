"""Dates and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from archiver.dates import parse_duration, parse_moment, parse_span
from archiver.errors import ConfigError
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
    assert parse_duration("0") == timedelta(0)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("2026-03-31T14", timedelta(hours=1)),
        ("2026-03-31T14:05-05:00", timedelta(minutes=1)),
        ("2026-03-31 14:05:06Z", timedelta(seconds=1)),
        ("20260331T140506.5", timedelta(milliseconds=1)),
    ],
)
def test_a_time_names_as_much_as_is_written_of_it(text: str, length: timedelta) -> None:
    assert parse_span(text, NOW).length == length


@pytest.mark.parametrize("text", ["30", "3\u017f", "\u0663m", "1e3s", "m", "-1h", ""])
def test_a_duration_needs_digits_from_0_to_9_and_a_unit(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 30m"):
        parse_duration(text)


def test_a_date_that_cannot_be_read_is_answered_with_the_known_forms() -> None:
    for text in ("9999y", "soon"):
        with pytest.raises(ConfigError) as caught:
            parse_moment(text, NOW, is_end=False)
        assert "2026-03-31" in str(caught.value.hint)


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2026-13",
        "31.03.2026",
        "999999y",
        "",
        "9999",
        "0000-01-01",
        "9999y",
        "9" * 5000,
        "2026-W14",
        "20260331",
        "\u0662026-03-31",
        "2026-03-31T1",
        "2026-03-31T25",
    ],
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_span(text, NOW)
