"""When to try again, and how fast to go. Pure: the waiting itself is the caller's."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from archiver.errors import ArchiverError, RateLimited

# LivePerson's own advice: three tries after 5, 10 and 15 seconds, then minutes (Retry Policy Recommendations).
LADDER_S = (5.0, 10.0, 15.0, 120.0, 240.0, 480.0)
SHORT_LADDER_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
SHORTEST_WISH_S, LONGEST_WISH_S = 1.0, 600.0  # a burst right after a 429 is what brought it
SLOWEST_PER_S = 0.1
QUIET_S = 5.0  # as long without a refusal, and the next step up is taken
_STEP_UP = 1.25
_SMOOTHING = 0.2


def next_wait_s(error: ArchiverError, attempt: int, *, chance: float | None = None) -> float | None:
    """Seconds to wait before try number `attempt` + 1 (the first try is 0); None if trying again is of no use.

    A wish of the server is honoured (one second to ten minutes); without one, a throttled call waits with full
    jitter, so that several clients do not come back in step. `chance` in [0, 1) stands for the dice in tests.
    """
    if not error.transient or attempt >= len(LADDER_S):
        return None
    if isinstance(error, RateLimited):
        if error.retry_after_s is not None:
            return min(max(error.retry_after_s, SHORTEST_WISH_S), LONGEST_WISH_S)
        dice = random.random() if chance is None else chance  # noqa: S311  (no secret)
        return 1.0 + dice * SHORT_LADDER_S[attempt]
    return LADDER_S[attempt]


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast one account is asked: evenly, half as fast after each refusal, and up again in steps to the ceiling.

    Times are seconds of one clock. From the slowest rate on, a ceiling of 2 is reached in about a minute.
    """

    per_s: float
    ceiling_per_s: float
    free_at_s: float = 0.0  # when the next request may start
    changed_at_s: float = 0.0
    asked_at_s: float | None = None
    gap_s: float | None = None  # between two requests, smoothed: what the remote really met

    def taken(self, now_s: float) -> tuple[Rate, float]:
        """The rate once a request is let through, and how many seconds that request has to wait."""
        rate = self._recovered(now_s)
        start_s = max(now_s, rate.free_at_s)
        gap_s = rate.gap_s
        if rate.asked_at_s is not None:
            new_gap_s = start_s - rate.asked_at_s
            gap_s = new_gap_s if gap_s is None else gap_s + _SMOOTHING * (new_gap_s - gap_s)
        rate = replace(rate, free_at_s=start_s + 1 / rate.per_s, asked_at_s=start_s, gap_s=gap_s)
        return rate, start_s - now_s

    def refused(self, now_s: float, pause_s: float) -> Rate:
        """After a 429. Refusals of requests that were on their way together count once."""
        free_at_s = max(self.free_at_s, now_s + pause_s)
        if now_s < self.changed_at_s:
            return replace(self, free_at_s=free_at_s)
        met_per_s = min(self.per_s, 1 / self.gap_s) if self.gap_s else self.per_s
        slower = min(max(SLOWEST_PER_S, met_per_s / 2), self.ceiling_per_s)
        return replace(self, per_s=slower, free_at_s=free_at_s, changed_at_s=now_s + pause_s)

    def _recovered(self, now_s: float) -> Rate:
        rate = self
        while rate.per_s < rate.ceiling_per_s and now_s - rate.changed_at_s >= QUIET_S:
            per_s = min(rate.per_s * _STEP_UP, rate.ceiling_per_s)
            rate = replace(rate, per_s=per_s, changed_at_s=rate.changed_at_s + QUIET_S)
        return rate
