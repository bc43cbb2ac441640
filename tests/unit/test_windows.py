"""Which windows are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver import windows
from archiver.model import CELL, EPOCH, Window
from tests.conftest import NOW

CELLS = st.integers(0, 2_000)


@st.composite
def spans(draw: st.DrawFn) -> Window:
    start = NOW + draw(CELLS) * CELL
    return Window(start, start + draw(st.integers(1, 1_000)) * CELL)


@given(spans(), st.lists(spans(), max_size=5), st.sampled_from([timedelta(hours=1), timedelta(days=1)]))
def test_a_plan_is_exactly_the_target_without_what_is_covered(
    target: Window, covered: list[Window], width: timedelta
) -> None:
    planned = list(windows.plan(target, covered, width=lambda: width))
    cells = [cell for window in planned for cell in cells_of(window)]
    expected = cells_of(target) - {cell for window in covered for cell in cells_of(window)}
    assert len(cells) == len(set(cells))
    assert set(cells) == expected
    assert all(window.length <= width for window in planned)


def cells_of(window: Window) -> set[int]:
    return set(range((window.start - EPOCH) // CELL, (window.end - EPOCH) // CELL))


@given(spans())
def test_two_plans_cut_at_the_same_places(target: Window) -> None:
    for window in windows.plan(target):
        assert window.end == target.end or windows.floor(window.end, windows.WIDTH) == window.end


@given(spans())
def test_splitting_keeps_the_union_and_ends_at_one_cell(window: Window) -> None:
    halves = windows.split(window)
    if halves is None:
        assert window.length == CELL
    else:
        assert halves[0].start == window.start
        assert halves[0].end == halves[1].start
        assert halves[1].end == window.end


def test_a_plan_rounds_outward_to_the_grid() -> None:
    (window,) = windows.plan(Window(NOW + timedelta(minutes=3), NOW + timedelta(minutes=14)))
    assert window == Window(NOW, NOW + timedelta(minutes=20))


def test_a_window_is_asked_for_with_ten_minutes_more_before_and_after_it() -> None:
    ten_minutes = timedelta(minutes=10)
    window = Window(NOW, NOW + timedelta(days=1))
    assert windows.widen(window) == Window(window.start - ten_minutes, window.end + ten_minutes)


@given(st.dates())
def test_months_before_stays_in_the_month_it_reaches(day: object) -> None:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)  # type: ignore[attr-defined]
    if day.year > 2:  # type: ignore[attr-defined]
        earlier = windows.months_before(moment, 13)
        assert (moment.year * 12 + moment.month) - (earlier.year * 12 + earlier.month) == 13
        assert earlier.day == moment.day or (earlier + timedelta(days=1)).day == 1
