"""How wide the next window of a harvest is, judged by what the windows before it held. Pure."""

from __future__ import annotations

from collections import deque
from datetime import timedelta

from archiver.model import Window
from archiver.windows import MOST_PER_WINDOW, OVERLAP, WIDTH, widen

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# At most 30 days are asked for. LivePerson takes three months, and does not say how many days these are (Messaging
# Interactions API, Conversations).
_WIDTHS = (*(_HOUR * n for n in (1, 2, 3, 4, 6, 8, 12)), *(_DAY * n for n in (1, 2, 3, 5, 7, 10, 14, 21, 28)))
_WANTED = MOST_PER_WINDOW * 9 // 10  # conversations: most windows hold fewer than they may, also on busy days
_MOST_WIDENING = 4  # times: the window before may have been a quiet one


class Widths:
    """The width of the next window. Full windows need the fewest requests: each needs one to confirm its count, and
    one for the remainder of its last page.
    """

    def __init__(self) -> None:
        self._next = WIDTH
        self._seen: deque[tuple[timedelta, int]] = deque()  # the last windows that were asked for, a day at least

    def __call__(self) -> timedelta:
        return self._next

    def note(self, window: Window, announced: int) -> None:
        """Notes how many conversations LivePerson announces for a window; below 0, it does not say."""
        if announced < 0:
            return
        self._seen.append((widen(window).length, announced))
        while self._time() - self._seen[0][0] >= WIDTH:
            self._seen.popleft()
        found = max(sum(count for _, count in self._seen), 1)
        most = min(self._time() * (_WANTED / found) - 2 * OVERLAP, self._next * _MOST_WIDENING)
        self._next = max((width for width in _WIDTHS if width <= most), default=_WIDTHS[0])

    def _time(self) -> timedelta:
        return sum((length for length, _ in self._seen), timedelta(0))
