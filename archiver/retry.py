"""When a failed operation is retried: the one rule, and the loop for a single call.

A policy says how often, how soon, and for which errors; by default for those that are `transient`. LivePerson,
Elasticsearch, bulk requests and the service each have a policy. Bulk requests and the service wait in loops of their
own, because they do other work meanwhile, and take every delay from `Retries`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from archiver.errors import ArchiverError, RateLimited
from archiver.value import Value

T = TypeVar("T")
# A client that comes back within a second of a 429 causes the next one; no server's wish is followed for hours.
SHORTEST_WISH_S, LONGEST_WISH_S = 1.0, 600.0


def is_transient(error: ArchiverError) -> bool:
    return error.transient


class RetryPolicy(Value, kw_only=True):
    """How an operation is retried: after the first failure it waits `delays_s[0]`, and so on; the last delay repeats.

    `tries` bounds the attempts, `patience_s` the seconds since the first failure in a row; None sets no bound. `spread`
    in [0, 1] is the random share of each delay, so that several clients do not retry at the same moment. `throttled_s`:
    delays after a `RateLimited` that names no wait of its own.
    """

    delays_s: tuple[float, ...]
    throttled_s: tuple[float, ...] = ()
    tries: int | None = None
    patience_s: float | None = None
    spread: float = 0.0
    is_worth_it: Callable[[ArchiverError], bool] = is_transient


def doubling(first_s: float, longest_s: float) -> tuple[float, ...]:
    """Delays that double from the first to the longest."""
    delays = [first_s]
    while delays[-1] < longest_s:
        delays.append(min(delays[-1] * 2, longest_s))
    return tuple(delays)


def retry_delay(
    error: ArchiverError, attempt: int, policy: RetryPolicy, *, waited_s: float = 0.0, chance: float | None = None
) -> float | None:
    """Seconds to wait after failed attempt number `attempt` (0 is the first); None if no retry is to be made.

    `waited_s` counts from the first failure in a row. `chance` in [0, 1) is the random number.
    """
    if not policy.is_worth_it(error) or (policy.tries is not None and attempt + 1 >= policy.tries):
        return None
    if policy.patience_s is not None and waited_s >= policy.patience_s:
        return None
    dice = random.random() if chance is None else chance  # noqa: S311  (no secret)
    if isinstance(error, RateLimited) and error.retry_after_s is not None:
        return min(max(error.retry_after_s, SHORTEST_WISH_S), LONGEST_WISH_S)
    if isinstance(error, RateLimited) and policy.throttled_s:
        return SHORTEST_WISH_S + dice * _at(policy.throttled_s, attempt)
    return _at(policy.delays_s, attempt) * (1 - policy.spread * dice)


def _at(delays_s: tuple[float, ...], attempt: int) -> float:
    return delays_s[min(attempt, len(delays_s) - 1)]


class Retries:
    """The retries of one operation: how often it failed in a row, and for how long. `clock` counts seconds."""

    def __init__(self, policy: RetryPolicy, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._policy = policy
        self._clock = clock
        self._attempt = 0
        self._waited_s = 0.0
        self._failing_since_s: float | None = None

    @property
    def attempt(self) -> int:
        """How many attempts failed since the operation last made progress."""
        return self._attempt

    def delay_after(self, error: ArchiverError) -> float:
        """Seconds to wait before the next attempt. Raises the error itself if no further attempt is worth it."""
        delay_s = self.next_delay(error)
        if delay_s is None:
            raise error
        return delay_s

    def next_delay(self, error: ArchiverError) -> float | None:
        """Seconds to wait before the next attempt; None if no further attempt is worth it."""
        now_s = self._clock()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        waited_s = max(self._waited_s, now_s - self._failing_since_s)
        delay_s = retry_delay(error, self._attempt, self._policy, waited_s=waited_s)
        if delay_s is not None:
            self._attempt += 1
            self._waited_s += delay_s
        return delay_s

    def progressed(self) -> None:
        """Resets the count: the next failure counts as the first."""
        self._attempt, self._waited_s, self._failing_since_s = 0, 0.0, None


def call_with_retries(call: Callable[[], T], policy: RetryPolicy, *, wait: Callable[[ArchiverError, float], None]) -> T:
    """The result of the call, which is retried as the policy says. Raises the last error.

    `wait` is called with the error and the delay in seconds, and waits; it may raise to cancel the operation.
    """
    retries = Retries(policy)
    while True:
        try:
            return call()
        except ArchiverError as error:
            wait(error, retries.delay_after(error))
