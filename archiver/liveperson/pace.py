"""The request rate of one account, as a rule. Pure: clock and sleep belong to the caller."""

from __future__ import annotations

from archiver.value import Value, replace

SLOWEST_PER_S = 0.1
QUIET_S = 5.0  # without a 429 for this long, the rate rises one step
_STEP_UP = 1.25
_SMOOTHING = 0.2


class Rate(Value):
    """The request rate of one account: evenly spaced, halved by each 429, raised again in steps up to the ceiling.

    Times are seconds of one clock. From the slowest rate, a ceiling of 2 per second is reached in about a minute.
    """

    per_s: float
    ceiling_per_s: float
    free_at_s: float = 0.0  # when the next request may start
    changed_at_s: float = 0.0
    asked_at_s: float | None = None
    gap_s: float | None = None  # between two requests, smoothed: the rate that really reached the server

    def taken(self, now_s: float) -> tuple[Rate, float]:
        """The rate after one request was let through, and how many seconds that request has to wait."""
        rate = self._recovered(now_s)
        start_s = max(now_s, rate.free_at_s)
        gap_s = rate.gap_s
        if rate.asked_at_s is not None:
            new_gap_s = start_s - rate.asked_at_s
            gap_s = new_gap_s if gap_s is None else gap_s + _SMOOTHING * (new_gap_s - gap_s)
        rate = replace(rate, free_at_s=start_s + 1 / rate.per_s, asked_at_s=start_s, gap_s=gap_s)
        return rate, start_s - now_s

    def refused(self, now_s: float, pause_s: float) -> Rate:
        """The rate after a 429. Several 429s for requests that were in flight together count once."""
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
