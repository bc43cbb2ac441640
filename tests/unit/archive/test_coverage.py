"""What is proven complete, what is missing, and how long that can still be brought."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from archiver.archive.coverage import (
    CoverageState,
    count_days,
    days,
    gaps,
    hours_left,
    proven_since,
    stretches,
    whole_span,
)
from archiver.archive.ledger import WindowReading, WindowState
from archiver.model import CELL, Window
from archiver.windows import floor, retention
from tests.conftest import NOW

DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)
OLDEST = floor(retention(NOW).start)


def reading(start_days: float, end_days: float, state: str = WindowState.SEALED, inside: int = 3) -> WindowReading:
    """Of a window that lies so many days before today."""
    window = Window(MIDNIGHT - start_days * DAY, MIDNIGHT - end_days * DAY)
    reason = "counts moved" if state == WindowState.UNPROVEN else None
    return WindowReading(window, state, inside + 1, inside + 1, inside, 0, "", reason)


@st.composite
def readings(draw: st.DrawFn) -> WindowReading:
    start = NOW - draw(st.integers(0, 450 * 144)) * CELL
    window = Window(start, start + draw(st.integers(1, 400)) * CELL)
    return WindowReading(
        window,
        draw(st.sampled_from([WindowState.SEALED, WindowState.PROVISIONAL, WindowState.UNPROVEN])),
        1,
        1,
        1,
        1,
        "",
        None,
    )


@given(st.lists(readings(), max_size=12))
def test_the_span_is_covered_once_without_holes_and_the_best_reading_counts(found: list[WindowReading]) -> None:
    span = whole_span(found, NOW)
    parts = list(stretches(span, found, NOW))
    assert parts[0].window.start == span.start
    assert parts[-1].window.end == span.end
    for one, other in pairwise(parts):
        assert one.window.end == other.window.start
    for part in parts:
        at = part.window.start
        states = {item.state for item in found if at in item.window}
        assert (part.state is CoverageState.SEALED) == (WindowState.SEALED in states)
        if part.state in (CoverageState.OPEN, CoverageState.LOST):
            assert WindowState.SEALED not in states
        if part.state is CoverageState.LOST:
            assert part.window.end <= OLDEST


def test_what_was_proven_once_stays_so_though_a_later_reading_failed() -> None:
    parts = list(
        stretches(Window(MIDNIGHT - 2 * DAY, MIDNIGHT), [reading(2, 0), reading(1.5, 1, WindowState.UNPROVEN)], NOW)
    )
    assert [part.state for part in parts] == [CoverageState.SEALED]


def test_gaps_are_what_is_open_unproven_or_lost_and_neighbours_are_one() -> None:
    found = [
        reading(5, 4),
        reading(4, 3, WindowState.UNPROVEN),
        reading(3, 2, WindowState.UNPROVEN),
        reading(1, 0, WindowState.PROVISIONAL),
    ]
    missing = gaps(stretches(Window(MIDNIGHT - 5 * DAY, MIDNIGHT), found, NOW))
    assert [(gap.state, gap.window.length) for gap in missing] == [
        (CoverageState.UNPROVEN, 2 * DAY),
        (CoverageState.OPEN, DAY),
    ]
    assert missing[0].reason == "counts moved"


def test_what_left_liveperson_unproven_is_lost_and_what_was_proven_before_is_not() -> None:
    span = Window(OLDEST - 10 * DAY, OLDEST + DAY)
    whole = WindowReading(Window(OLDEST - 10 * DAY, OLDEST - 5 * DAY), WindowState.SEALED, 1, 1, 1, 1, "", None)
    states = [(part.state, part.window.length) for part in stretches(span, [whole], NOW)]
    assert states == [(CoverageState.SEALED, 5 * DAY), (CoverageState.LOST, 5 * DAY), (CoverageState.OPEN, DAY)]


def test_what_was_to_be_read_and_never_was_is_lost_for_ever() -> None:
    later = NOW + 100 * DAY
    span = whole_span([], later, target=OLDEST)
    parts = list(stretches(span, [], later))
    assert [part.state for part in parts] == [CoverageState.LOST, CoverageState.OPEN]
    assert parts[0].window.start == OLDEST


def test_the_hours_until_the_oldest_gap_is_lost() -> None:
    span = whole_span([], NOW)
    sealed = WindowReading(Window(span.start, span.start + 2 * DAY), WindowState.SEALED, 1, 1, 1, 1, "", None)
    left = hours_left(stretches(span, [sealed], NOW), NOW)
    assert left is not None
    assert 47.5 <= left <= 48.5
    everything = WindowReading(span, WindowState.SEALED, 1, 1, 1, 1, "", None)
    assert hours_left(stretches(span, [everything], NOW), NOW) is None


def test_a_gap_that_is_being_lost_already_has_no_hours_left_and_never_fewer() -> None:
    later = NOW + CELL / 2  # gaps are cut on the grid, so this one began to be lost five minutes ago
    parts = list(stretches(whole_span([], later, target=OLDEST), [], later))
    assert [(part.state, part.window.start) for part in parts] == [(CoverageState.OPEN, OLDEST)]
    assert hours_left(parts, later) == 0


def test_a_day_is_as_good_as_its_worst_hour_and_counts_what_was_counted() -> None:
    found = [reading(2, 1.5), reading(1.5, 1, WindowState.UNPROVEN), reading(1, 0)]
    kept = {(MIDNIGHT - DAY).date(): 4}
    first, second = days(stretches(Window(MIDNIGHT - 2 * DAY, MIDNIGHT), found, NOW), kept)
    assert (first.state, first.hours, first.conversations) == (
        CoverageState.UNPROVEN,
        {"sealed": 12.0, "unproven": 12.0},
        6,
    )
    assert (second.state, second.conversations, second.is_exact) == (CoverageState.SEALED, 3, True)
    assert (first.expected, first.kept, second.expected, second.kept) == (6, 0, 3, 4)  # without what overlaps brought


def test_a_count_of_a_part_of_a_reading_is_not_made_up() -> None:
    (part,) = stretches(Window(MIDNIGHT - 1.5 * DAY, MIDNIGHT - DAY), [reading(2, 1)], NOW)
    assert part.conversations is None
    (day,) = days([part], {})
    assert not day.is_exact


def test_an_archive_that_was_never_harvested_is_one_gap() -> None:
    parts = list(stretches(whole_span([], NOW), [], NOW))
    assert [part.state for part in parts] == [CoverageState.OPEN]
    assert gaps(parts) == parts


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 5), st.integers(0, 9)), max_size=8))
def test_every_hour_of_a_span_was_proven_at_the_moment_that_is_said_or_later(found: list[tuple[int, int, int]]) -> None:
    start = floor(NOW - timedelta(days=3))
    hours = [start + timedelta(hours=hour) for hour in range(15)]
    sealed = [(Window(hours[low], hours[low + length]), hours[at]) for low, length, at in found]
    newest = [
        max((at for window, at in sealed if window.start <= hour < window.end), default=None) for hour in hours[3:8]
    ]
    said = proven_since(Window(hours[3], hours[8]), sealed)
    assert said == (None if None in newest else min(at for at in newest if at) - CELL)


@given(st.lists(readings(), max_size=12), st.integers(0, 60 * 144), st.integers(1, 60 * 144))
def test_days_are_counted_as_they_are_listed(found: list[WindowReading], ago: int, length: int) -> None:
    span = Window(NOW - (ago + length) * CELL, NOW - ago * CELL)
    parts = list(stretches(span, found, NOW))
    listed = list(days(parts, {}))
    assert count_days(span, parts) == (len(listed), sum(day.state is CoverageState.SEALED for day in listed))
