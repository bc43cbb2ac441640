"""Paces all requests to one account, whichever thread makes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from archiver.liveperson.pace import Rate

LIVEPERSON_PER_S = 2.0  # LivePerson publishes no limit; this rate is safe
SIMULATOR_PER_S = 10_000.0


class RateLimiter:
    """Shared by everything that calls one account. `clock` counts seconds; sleeping is the caller's part."""

    def __init__(self, ceiling_per_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = Rate(ceiling_per_s, ceiling_per_s)
        self._clock = clock
        self._lock = threading.Lock()
        self.pauses = 0  # how often LivePerson demanded one

    @property
    def per_s(self) -> float:
        """The present rate, in requests per second."""
        return self._rate.per_s

    @property
    def ceiling_per_s(self) -> float:
        return self._rate.ceiling_per_s

    def reserve(self) -> float:
        """Reserves the start of one request; returns the seconds until then."""
        with self._lock:
            self._rate, wait_s = self._rate.taken(self._clock())
        return wait_s

    def back_off(self, pause_s: float) -> None:
        """After a 429: no request starts for `pause_s` seconds, and the rate is halved."""
        with self._lock:
            self._rate = self._rate.refused(self._clock(), pause_s)
            self.pauses += 1
