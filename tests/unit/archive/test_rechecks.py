"""When conversations and windows are looked at again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.archive.rechecks import Recheck, is_last_chance, next_check, next_recheck
from archiver.archive.versions import Change
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.received import Conversation
from archiver.value import replace
from archiver.windows import NEVER, months_before
from tests.conftest import NOW, record

MOMENT, MINUTE, HOUR, DAY = timedelta(microseconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def conversation(**info: object) -> Conversation:
    """One that started twelve hours ago and ended after ten minutes, if nothing else is said."""
    read = read_record(record("c", NOW - DAY / 2, "hello", info=info))
    assert isinstance(read, Conversation)
    return read


CLOSED = conversation()
OPEN = conversation(status="OPEN", endTimeL=-1)
ENDED = CLOSED.ended_at
assert ENDED


def recheck(
    read: Conversation = CLOSED, change: Change = Change.NEWER, *, at: datetime = NOW, since: datetime | None = None,
    latest_at: datetime | None = None,
) -> Recheck | None:  # fmt: skip
    return next_recheck(read, change, since or at, at, latest_at)


@pytest.mark.parametrize(
    ("at", "due"),
    [
        (ENDED, ENDED + 2 * HOUR),
        (ENDED + 2 * HOUR - MOMENT, ENDED + 2 * HOUR),
        (ENDED + 2 * HOUR, ENDED + DAY),
        (ENDED + DAY - MOMENT, ENDED + DAY),
    ],
)
def test_a_closed_conversation_is_looked_at_again_two_hours_and_a_day_after_its_end(
    at: datetime, due: datetime
) -> None:
    assert recheck(at=at) == Recheck("settling", due)


@pytest.mark.parametrize("at", [ENDED + DAY, ENDED + 2 * DAY])
def test_after_that_nothing_more_is_expected_of_it(at: datetime) -> None:
    assert recheck(at=at) is None


def test_an_end_that_is_none_or_far_in_the_future_is_not_waited_for() -> None:
    assert recheck(replace(CLOSED, ended_at=None)) is None
    assert recheck(replace(CLOSED, ended_at=NOW + DAY + MOMENT)) is None
    assert recheck(replace(CLOSED, ended_at=NOW + DAY)) == Recheck("settling", NOW + DAY + 2 * HOUR)


@pytest.mark.parametrize(
    ("quiet", "wait"),
    [(timedelta(0), 15 * MINUTE), (16 * MINUTE, 16 * MINUTE), (5 * HOUR, 5 * HOUR), (3 * DAY, DAY), (None, DAY)],
)
def test_an_open_or_cut_short_one_is_looked_at_after_as_long_as_it_was_quiet_from_15_minutes_to_a_day(
    quiet: timedelta | None, wait: timedelta
) -> None:
    latest_at = None if quiet is None else NOW - quiet
    assert recheck(OPEN, latest_at=latest_at) == Recheck("open", NOW + wait)
    assert recheck(replace(CLOSED, is_partial=True), latest_at=latest_at) == Recheck("partial", NOW + wait)


@pytest.mark.parametrize("change", [Change.STALE, Change.FEWER_MESSAGES])
def test_one_that_says_less_than_before_is_looked_at_again_15_minutes_after_it_first_did(change: Change) -> None:
    for after in (timedelta(0), 15 * MINUTE - MOMENT):
        assert recheck(change=change, at=NOW + after, since=NOW) == Recheck("less", NOW + 15 * MINUTE)
    found = recheck(change=change, at=NOW + 15 * MINUTE, since=NOW)
    assert found is not None
    assert found.reason == "settling"


LONG_AGO = Window(datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
LAST = datetime(2027, 1, 31, tzinfo=UTC)  # a month before LivePerson deletes it


def test_a_proven_window_is_compared_ever_more_rarely() -> None:
    waits = [next_check(LONG_AGO, NOW, checks) - NOW for checks in range(6)]
    assert waits == [HOUR, DAY, 7 * DAY, 30 * DAY, 30 * DAY, 30 * DAY]


def test_a_last_time_when_the_last_month_begins_in_which_it_is_kept_whole_and_then_never() -> None:
    assert next_check(LONG_AGO, LAST - 2 * DAY, 9) == LAST
    assert next_check(LONG_AGO, LAST - MOMENT, 0) == LAST
    assert next_check(LONG_AGO, LAST, 0) == NEVER
    assert [is_last_chance(LONG_AGO, at) for at in (LAST - MOMENT, LAST, LAST + DAY)] == [False, True, True]


@given(st.integers(0, 400).map(lambda days: NOW - days * DAY), st.integers(0, 20))
def test_a_check_is_always_in_the_future_and_never_after_the_last_one_but_for_never(
    start: datetime, checks: int
) -> None:
    due = next_check(Window(start, start + DAY), NOW, checks)
    assert due > NOW
    assert due == NEVER or due <= months_before(start, -12)
