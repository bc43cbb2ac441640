"""Lets the answers that somebody waits for go before work in the background of the same process.

Python runs one thread at a time: beside threads that never pause, an answer of 20 ms takes several times as long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GiveWay = Callable[[], object]
_MOST_S = 0.1
_WORK_PER_WAIT = 0.1


def go_on() -> None:
    """Gives way to nobody."""


class Foreground:
    """Knows how many answers are being made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answers = 0
        self._changed = threading.Condition()
        self._mine = threading.local()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within the context somebody waits for an answer."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def _add(self, count: int) -> None:
        with self._changed:
            self._answers += count
            if not self._answers:
                self._changed.notify_all()

    def give_way(self) -> None:
        """Waits until no answer is being made, at most 0.1 seconds. After a wait the thread works for a tenth of that
        time before it waits again: it is slowed down up to elevenfold, and never stopped.
        """
        if not self._answers:
            return
        began = self._clock()
        if began < getattr(self._mine, "works_until", began):
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._answers, _MOST_S)
        ended = self._clock()
        self._mine.works_until = ended + _WORK_PER_WAIT * (ended - began)
