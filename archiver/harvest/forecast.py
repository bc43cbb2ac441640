"""What a harvest will read, and how many requests that takes, judging by the last harvest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archiver import windows
from archiver.archive import WindowReading, WindowState
from archiver.liveperson import MOST_PER_PAGE, ROWS_SHARED
from archiver.model import Window
from archiver.value import Value


class WindowForecast(Value):
    """A window that will be read. `states` are those of its earlier readings; `requests` is 1 if there is none."""

    window: Window
    states: frozenset[WindowState]
    requests: int


def forecast_windows(span: Window, readings: Iterable[WindowReading]) -> Iterator[WindowForecast]:
    """The windows of a harvest of the span, oldest first."""
    earlier = list(readings)
    for window in windows.plan(span):
        inside = [item for item in earlier if window.start <= item.window.start and item.window.end <= window.end]
        requests = sum(requests_for(item.expected) for item in inside) or 1
        yield WindowForecast(window, frozenset(item.state for item in inside), requests)


def requests_for(conversations: int) -> int:
    """Requests for one reading: pages share rows, and after several pages one more request confirms the count."""
    return 1 if conversations <= MOST_PER_PAGE else 1 + -(-conversations // (MOST_PER_PAGE - ROWS_SHARED))
