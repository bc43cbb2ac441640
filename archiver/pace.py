"""When to try again. Pure: the waiting itself is the caller's."""

from __future__ import annotations

import random

from archiver.errors import ArchiverError, RateLimited

# LivePerson's own advice: three tries after 5, 10 and 15 seconds, then minutes (Retry Policy Recommendations).
LADDER_S = (5.0, 10.0, 15.0, 120.0, 240.0, 480.0)
SHORT_LADDER_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
LONGEST_WISH_S = 600.0


def next_wait_s(error: ArchiverError, attempt: int, *, chance: float | None = None) -> float | None:
    """Seconds to wait before try number `attempt` + 1 (the first try is 0); None if trying again is of no use.

    A wish of the server is honoured (up to ten minutes); without one, a throttled call waits with full
    jitter, so that several clients do not come back in step. `chance` in [0, 1) stands for the dice in tests.
    """
    if not error.transient or attempt >= len(LADDER_S):
        return None
    if isinstance(error, RateLimited):
        if error.retry_after_s is not None:
            return min(max(error.retry_after_s, 0.0), LONGEST_WISH_S)
        dice = random.random() if chance is None else chance  # noqa: S311  (no secret)
        return 1.0 + dice * SHORT_LADDER_S[attempt]
    return LADDER_S[attempt]
