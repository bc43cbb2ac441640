"""One account's requests, however many threads make them: never faster than LivePerson takes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from archiver.liveperson.pace import Rate

LIVEPERSON_PER_S = 2.0  # no limit is published; one that hurts nobody
SIMULATOR_PER_S = 10_000.0


class RateLimiter:
    """Shared by everything that asks one account. `clock` counts seconds; waiting is the caller's."""

    def __init__(self, ceiling_per_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = Rate(ceiling_per_s, ceiling_per_s)
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def per_s(self) -> float:
        """How many requests a second are let through now."""
        return self._rate.per_s

    @property
    def ceiling_per_s(self) -> float:
        return self._rate.ceiling_per_s

    def take(self) -> float:
        """Lets one more request through; how many seconds it has to wait before it starts."""
        with self._lock:
            self._rate, wait_s = self._rate.taken(self._clock())
        return wait_s

    def slow_down(self, pause_s: float) -> None:
        """After a 429: nobody asks for `pause_s` seconds, and everybody more slowly from then on."""
        with self._lock:
            self._rate = self._rate.refused(self._clock(), pause_s)
