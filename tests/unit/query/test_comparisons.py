"""What is compared: numbers, lengths of time, dates, at the very bounds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.query.parser import parse
from archiver.query.reading import Reading
from archiver.transcript.projection import project
from tests.conftest import NOW, record

SIGNS: dict[str, Callable[[float, float], bool]] = {
    "": operator.eq, "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
MINUTE_MS = 60_000


def is_true(query: str, *, messages: int = 0, start: datetime = NOW, **info: object) -> bool:
    transcript = project(record("c", start, *["x"] * messages, info=info))
    return Reading(transcript).is_true(parse(query, now=NOW).expression)


@pytest.mark.parametrize("sign", SIGNS)
@given(value=st.integers(0, 4), bound=st.integers(0, 4))
def test_a_number_is_compared_as_its_sign_says(sign: str, value: int, bound: int) -> None:
    expected = SIGNS[sign](value, bound)
    assert is_true(f"messages:{sign}{bound}", messages=value) is expected
    assert is_true(f"mcs:{sign}{bound}", mcs=value) is expected


@pytest.mark.parametrize("sign", SIGNS)
@given(value=st.integers(-1, 1), bound=st.integers(1, 4))
def test_a_length_is_compared_to_the_millisecond(sign: str, value: int, bound: int) -> None:
    duration = bound * MINUTE_MS + value
    assert is_true(f"duration:{sign}{bound}m", duration=duration) is SIGNS[sign](value, 0)


@given(value=st.integers(0, 5), low=st.integers(0, 5), high=st.integers(0, 5))
def test_a_range_holds_both_of_its_ends(value: int, low: int, high: int) -> None:
    assert is_true(f"messages:{low}..{high}", messages=value) is (low <= value <= high)
    assert is_true(f"duration:{low + 1}m..{high + 1}m", duration=(value + 1) * MINUTE_MS) is (low <= value <= high)


MS, DAY = timedelta(milliseconds=1), timedelta(days=1)
FIRST = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (FIRST - MS, {"before"}), (FIRST, {"before", "on", "after"}), (FIRST + DAY - MS, {"before", "on", "after"}),
        (FIRST + DAY, {"after"}),
    ],
)  # fmt: skip
def test_a_day_belongs_to_what_is_before_on_and_after_it(start: datetime, found: set[str]) -> None:
    assert {name for name in ("before", "on", "after") if is_true(f"{name}:2026-01-31", start=start)} == found


@pytest.mark.parametrize("sign", SIGNS)
def test_what_has_no_number_is_never_found_by_it(sign: str) -> None:
    assert not is_true(f"csat:{sign}3")
