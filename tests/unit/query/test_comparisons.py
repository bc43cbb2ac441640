"""What is compared: numbers, lengths of time, dates, at the very bounds."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import QueryError
from archiver.query import And, Compare, parse, understood
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


# ── read back ──

FIELDS = ("csat", "mcs", "nps", "messages", "transfers", "sde.balance", "duration")


def typed_numbers(field: str) -> st.SearchStrategy[str]:
    if field == "duration":
        return st.builds("{}{}".format, st.integers(0, 10**9 - 1), st.sampled_from(["ms", "s", "m", "h", "d", "w"]))
    decimals = st.builds("{}.{}".format, st.integers(0, 10**15 - 1), st.from_regex(r"[0-9]{1,6}", fullmatch=True))
    numbers = st.integers(0, 10**15 - 1).map(str) | st.integers(0, 100).map(str) | decimals
    return st.builds("{}{}".format, st.sampled_from(["", "-"]), numbers)


@st.composite
def typed_comparisons(draw: st.DrawFn) -> str:
    field = draw(st.sampled_from(FIELDS))
    first, last = draw(typed_numbers(field)), draw(typed_numbers(field))
    return f"{field}:{draw(st.sampled_from([f'{first}..{last}', f'{first}..', *(f'{s}{first}' for s in SIGNS if s)]))}"


def bounds_of(query: str) -> tuple[str, float | None, float | None]:
    """The field and the bounds of a comparison, or of two that both must be true."""
    read = parse(query, now=NOW).expression
    found = [item for item in (read.children if isinstance(read, And) else (read,)) if isinstance(item, Compare)]
    lows = [item.low for item in found if item.low is not None]
    highs = [item.high for item in found if item.high is not None]
    return found[0].field, *(max(lows, default=None), min(highs, default=None))


@settings(max_examples=500)
@given(typed_comparisons())
def test_a_comparison_means_the_same_when_what_was_understood_is_read_again(query: str) -> None:
    try:
        typed = bounds_of(query)
    except QueryError:
        return  # a length of time that is too long
    again = understood(parse(query, now=NOW).expression)
    assert bounds_of(again) == typed, again


@pytest.mark.parametrize("since", ["20d", "now", "2026-03-29", "2026-10", "2026-05-01T10:00:00.123Z", "last-week"])
@pytest.mark.parametrize("sign", [">", ">=", "<", "<="])
def test_a_moment_is_the_same_when_what_was_understood_is_read_again(since: str, sign: str) -> None:
    now = NOW.replace(microsecond=987_000)
    read = parse(f"sent:{sign}{since}", now=now).expression
    assert parse(understood(read), now=NOW).expression == read


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("csat:>4", "csat:>4"), ("csat:>=4", "csat:>=4"), ("csat:<=2", "csat:<=2"), ("csat:<2", "csat:<2"),
        ("csat:4", "csat:=4"), ("mcs:20..39", "mcs:20..39"), ("duration:>15m", "duration:>15m"),
        ("duration:<=90s", "duration:<=90s"), ("sde.balance:>-12.5", "sde.balance:>-12.5"),
        ("messages:>1234567", "messages:>1234567"), ("sde.balance:>10000000000", "sde.balance:>10000000000"),
    ],
)  # fmt: skip
def test_a_comparison_is_read_back_as_people_write_it(query: str, said: str) -> None:
    assert understood(parse(query, now=NOW).expression) == said


@pytest.mark.parametrize("number", [17_179_869_184, 15_551_234_567, 999_999_999_999_999])
def test_large_numbers_are_compared_exactly(number: int) -> None:
    for typed, is_found in ((f"={number}", True), (f">{number}", False), (f">={number}", True), (f"<={number}", True)):
        compared = parse(f"sde.n:{typed}", now=NOW).expression
        assert isinstance(compared, Compare)
        low, high = (-inf if compared.low is None else compared.low), (inf if compared.high is None else compared.high)
        assert (low <= number < high) == is_found, typed


@pytest.mark.parametrize(
    ("query", "is_noticed"),
    [
        ("after:2026-05-20 before:2026-05-01", True), ("after:2026-05-20 refund before:2026-05-20", False),
        ("started:2026-05..2026-04", True), ("after:2026-05-20 OR before:2026-05-01", False),
        ("after:2026-05-20 -before:2026-05-01", False), ("started:>2026-05 started:<2026-05", True),
    ],
)  # fmt: skip
def test_days_in_the_wrong_order_are_noticed(query: str, is_noticed: bool) -> None:
    notices = parse(query, now=NOW).notices
    assert (len(notices), "nothing" in " ".join(notices)) == (is_noticed, is_noticed)
