"""How wide the windows of a harvest are."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.harvest.widths import Widths
from archiver.model import Window
from archiver.windows import MOST_PER_WINDOW, RECENT, plan_widely, widen
from tests.conftest import NOW

DAY = timedelta(days=1)
SPAN = Window(NOW - 390 * DAY, NOW)


def planned(per_day: float) -> list[tuple[Window, int]]:
    """The windows of a harvest of an account that always has as many conversations a day, with how many each holds."""
    widths, found = Widths(), []
    for window in plan_widely(SPAN, (), NOW, widths):
        held = round(per_day * (widen(window).length / DAY))
        widths.note(window, held)
        found.append((window, held))
    return found


@pytest.mark.parametrize("per_day", [0, 1, 30, 100, 400, 2_000, 6_000, 20_000])
def test_the_windows_of_a_steady_account_are_the_span_and_none_has_to_be_split(per_day: float) -> None:
    windows = [window for window, _ in planned(per_day)]
    assert (windows[0].start, windows[-1].end) == (SPAN.start, SPAN.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(windows))
    # The first windows are a day long, whatever they hold.
    assert all(held <= MOST_PER_WINDOW for _, held in planned(per_day)[1:])


@pytest.mark.parametrize("per_day", [100, 400, 2_000, 6_000])
def test_a_hundred_conversations_take_little_more_than_one_request(per_day: float) -> None:
    settled = [held for window, held in planned(per_day) if window.end <= NOW - RECENT]
    requests = sum(1 if held <= 100 else 1 + -(-held // 98) for held in settled)
    assert requests / (sum(settled) / 100) < 1.15


def test_what_is_recent_is_read_in_days_so_that_one_that_is_not_proven_costs_no_other() -> None:
    recent = [window for window, _ in planned(1) if window.end > NOW - RECENT]
    assert len(recent) >= 2
    assert all(window.length <= DAY for window in recent)


@given(st.lists(st.integers(-1, 100_000), max_size=30))
def test_a_window_is_never_longer_than_liveperson_surely_takes(announced: list[int]) -> None:
    widths = Widths()
    for count in announced:
        window = Window(NOW, NOW + widths())
        assert timedelta(hours=1) <= window.length
        assert widen(window).length <= 30 * DAY
        widths.note(window, count)
