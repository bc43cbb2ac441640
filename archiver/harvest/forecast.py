"""What a harvest will read, and how many requests that takes, judging by the last harvest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from archiver import windows
from archiver.archive import WindowReading, WindowState
from archiver.harvest.widths import Widths
from archiver.liveperson import MOST_PER_PAGE, ROWS_SHARED
from archiver.model import Window
from archiver.value import Value


class WindowForecast(Value):
    """A window that will be read. `states` are those of its earlier readings; `requests` is 1 if there is none."""

    window: Window
    states: frozenset[WindowState]
    requests: int


def forecast_windows(span: Window, readings: Iterable[WindowReading], now: datetime) -> Iterator[WindowForecast]:
    """The windows of a harvest of the span at `now`, oldest first."""
    earlier, widths = list(readings), Widths()
    for window in windows.plan_widely(span, (), now, widths):
        read = [(item, _shared(item.window, window)) for item in earlier]
        expected = round(sum(item.expected * share for item, share in read))
        widths.note(window, expected if any(share for _, share in read) else -1)
        yield WindowForecast(window, frozenset(item.state for item, share in read if share), requests_for(expected))


def _shared(reading: Window, window: Window) -> float:
    """Which part of an earlier reading lies in a window."""
    time = min(reading.end, window.end) - max(reading.start, window.start)
    return max(time / reading.length, 0.0)


def requests_for(conversations: int) -> int:
    """Requests for one reading: pages share rows, and after several pages one more request confirms the count."""
    return 1 if conversations <= MOST_PER_PAGE else 1 + -(-conversations // (MOST_PER_PAGE - ROWS_SHARED))
