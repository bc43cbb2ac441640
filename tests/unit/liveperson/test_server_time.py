"""What an answer says about the time, and what it does not."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.liveperson.server_time import ServerTime, answered_at, least_skew
from tests.conftest import NOW

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
REQUEST = httpx.Request("GET", "https://lp.example/")


def response(date: str | None, status: int = 200, **headers: str) -> httpx.Response:
    given = headers if date is None else {"Date": date, **headers}
    return httpx.Response(status, headers=given, request=REQUEST)


@given(
    off_ms=st.integers(-10**11, 10**11), before_ms=st.integers(0, 60_000), after_ms=st.integers(0, 60_000),
    part_ms=st.integers(0, 999),
)  # fmt: skip
def test_a_difference_of_clocks_is_never_overstated(off_ms: int, before_ms: int, after_ms: int, part_ms: int) -> None:
    """Whenever between request and response, and within its second, the server wrote its time."""
    ms = timedelta(milliseconds=1)
    server, said = NOW + part_ms * ms, NOW
    local = server + off_ms * ms
    found = least_skew(said, local - before_ms * ms, local + after_ms * ms)
    assert abs(found) <= abs(off_ms * ms)
    assert abs(found - off_ms * ms) <= (before_ms + after_ms + 1_000) * ms


@given(passed_s=st.integers(0, 10**7), part_ms=st.integers(0, 999), wait_ms=st.integers(0, 60_000))
def test_liveperson_s_time_is_never_told_too_late(passed_s: int, part_ms: int, wait_ms: int) -> None:
    steady = [0.0]
    time = ServerTime(lambda: NOW, lambda: steady[0])
    time.note_answer(response(format_datetime(NOW, usegmt=True)))  # which arrives `wait_ms` later
    steady[0] = float(passed_s)
    told = time.now()
    assert told is not None
    really = NOW + timedelta(milliseconds=part_ms + wait_ms, seconds=passed_s)
    assert really - timedelta(milliseconds=part_ms + wait_ms) - SECOND <= told <= really


def test_an_age_is_added_because_a_cache_repeats_the_date_of_its_origin() -> None:
    said = response(format_datetime(NOW, usegmt=True), Age="90")
    assert answered_at(said) == NOW + 90 * SECOND


@pytest.mark.parametrize(
    "date",
    [
        None, "", "yesterday", "Mon, 99 Jun 2026 12:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ],
)  # fmt: skip
def test_a_date_that_can_t_be_says_nothing(date: str | None) -> None:
    time = ServerTime(lambda: NOW, lambda: 0.0)
    time.note_answer(response(date))
    assert (time.now(), time.skew) == (None, None)
    assert "no time (Date header)" in str(time.fault())


@pytest.mark.parametrize("age", ["-5", "1e300", "nan"])
def test_an_age_that_can_t_be_makes_the_date_worthless(age: str) -> None:
    assert answered_at(response(format_datetime(NOW, usegmt=True), Age=age)) in (None, NOW)


@pytest.mark.parametrize("status", [302, 401, 404, 500, 503])
def test_an_error_which_may_come_from_a_proxy_says_nothing_about_the_time(status: int) -> None:
    time = ServerTime(lambda: NOW, lambda: 0.0)
    time.note_answer(response(format_datetime(NOW - DAY, usegmt=True), status))
    assert time.now() is None


@pytest.mark.parametrize(("off", "is_fault"), [(10 * MINUTE, False), (10 * MINUTE + 2 * SECOND, True), (-DAY, True)])
def test_a_difference_of_more_than_the_grid_is_a_fault(off: timedelta, is_fault: bool) -> None:
    time = ServerTime(lambda: NOW + off, lambda: 0.0)
    time.note_answer(response(format_datetime(NOW, usegmt=True)))
    assert (time.fault() is not None) is is_fault


def test_a_local_clock_that_jumps_between_two_answers_does_not_move_liveperson_s_time() -> None:
    local, steady = [NOW], [0.0]
    time = ServerTime(lambda: local[0], lambda: steady[0])
    time.note_answer(response(format_datetime(NOW, usegmt=True)))
    local[0], steady[0] = NOW + 200 * DAY, 7.0
    assert time.now() == NOW + 7 * SECOND
