from __future__ import annotations

from datetime import timedelta

import pytest

from archiver import windows
from archiver.archive import WindowReading, WindowState
from archiver.harvest.forecast import WindowForecast, forecast_windows, requests_for
from archiver.model import Window
from tests.conftest import NOW

DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0)


def reading(window: Window, expected: int, state: WindowState = WindowState.SEALED) -> WindowReading:
    return WindowReading(window, state, expected, expected, expected, expected, "", None, "")


def before(window: Window) -> Window:
    return Window(window.start - DAY, window.start)


@pytest.mark.parametrize(("conversations", "requests"), [(0, 1), (100, 1), (101, 3), (196, 3), (197, 4), (1_000, 12)])
def test_pages_that_share_two_rows_and_a_last_count_are_the_requests_of_a_reading(
    conversations: int, requests: int
) -> None:
    assert requests_for(conversations) == requests


def test_a_harvest_is_forecast_by_what_the_last_one_found_in_each_window() -> None:
    first, second = windows.plan(Window(MIDNIGHT - 2 * DAY, MIDNIGHT))
    earlier = [reading(first, 250), reading(second, 0, WindowState.UNPROVEN), reading(before(first), 900)]
    planned = list(forecast_windows(Window(MIDNIGHT - 2 * DAY, MIDNIGHT), earlier, NOW))
    assert planned == [
        WindowForecast(first, frozenset((WindowState.SEALED,)), 4),
        WindowForecast(second, frozenset((WindowState.UNPROVEN,)), 1),
    ]


def test_a_window_that_was_read_in_parts_takes_the_requests_of_all_together_and_one_never_read_a_single_one() -> None:
    (day,) = windows.plan(Window(MIDNIGHT - DAY, MIDNIGHT))
    noon = day.start + DAY / 2
    parts = [reading(Window(day.start, noon), 150), reading(Window(noon, day.end), 20)]
    assert [item.requests for item in forecast_windows(day, parts, NOW)] == [3]
    assert list(forecast_windows(day, [], NOW)) == [WindowForecast(day, frozenset(), 1)]
