"""How long the service waits after a failure before it tries again."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from archiver.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiverError,
    BadAnswer,
    Locked,
    StoreError,
    Unproven,
)
from archiver.logs import EventLogger
from archiver.retry import RetryPolicy, doubling, retry_delay
from archiver.service.state import Pause, ServiceState

_log = EventLogger("service")
MINUTE_S = 60.0
_OPEN_FOR = timedelta(minutes=15)


class Stop(Protocol):
    """Whether the work is to end, and a wait that is over at once when it is: such as a `threading.Event`."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> object: ...


class Stopped(BaseException):
    """The service is to end: raised out of a wait, like a KeyboardInterrupt in another thread."""


def _always(error: ArchiverError) -> bool:
    return True


def _policy(*delays_s: float) -> RetryPolicy:
    return RetryPolicy(delays_s=delays_s, is_worth_it=_always)


# What passes by itself: LivePerson or the index may answer later, or readably.
SOON = _policy(*doubling(15.0, 10 * MINUTE_S))
# What a person has to correct. A refused login counts at LivePerson, which locks a user after a few: never a storm.
SLOWLY = _policy(MINUTE_S, 5 * MINUTE_S, 15 * MINUTE_S, 60 * MINUTE_S)
# What a person has to correct here, such as a full disk: an attempt harms nobody, and meanwhile nothing is kept.
HARMLESS = _policy(MINUTE_S, 2 * MINUTE_S, 5 * MINUTE_S)


def policy_for(error: ArchiverError) -> RetryPolicy:
    """When what failed is tried again."""
    if error.transient or isinstance(error, BadAnswer | Unproven):
        return SOON
    return HARMLESS if isinstance(error, ArchiveError | StoreError | Locked) else SLOWLY


def is_about_archive(error: ArchiverError) -> bool:
    """Whether the archive's file can't be used, for a reason that does not pass within a moment."""
    return isinstance(error, ArchiveError) and not isinstance(error, ArchiveBusy)


def as_ours(error: Exception) -> ArchiverError:
    """The error itself; one that this program did not foresee by its kind and place, because its text may quote a
    conversation.
    """
    if isinstance(error, ArchiverError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    return ArchiverError(f"unexpected {type(error).__name__}{place}", hint="This is a fault of archiver: report it.")


def steady_clock(began: datetime) -> Callable[[], datetime]:
    """A clock that shows `began` now, goes on, and never jumps, whatever happens to the machine's."""
    began_s = time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - began_s)


def is_due(since: datetime | None, every: timedelta, now: datetime) -> bool:
    """Whether something that was done at `since` is to be done again. After the clock was set back, it is."""
    return since is None or not since <= now < since + every


class Backoff:
    """When a failed operation is tried again."""

    def __init__(self) -> None:
        self._failures = 0
        self._since: datetime | None = None
        self._delay = timedelta(0)

    def failed(self, error: ArchiverError, now: datetime) -> float:
        """Seconds until the next attempt, longer after each failure in a row."""
        delay_s = retry_delay(error, self._failures, policy_for(error)) or MINUTE_S
        self._failures += 1
        self._since, self._delay = now, timedelta(seconds=delay_s)
        return delay_s

    def worked(self) -> None:
        """Resets the delay: the next failure counts as the first."""
        self._failures, self._since = 0, None

    def is_over(self, now: datetime) -> bool:
        """Whether the delay has passed."""
        return is_due(self._since, self._delay, now)


class Gate:
    """Closed while all work of an account waits. What it waits for is in the state (`Snapshot.pause`).

    The delays grow with every failed attempt, whatever failed, and also if it was open only for a short while.
    """

    def __init__(self, state: ServiceState) -> None:
        self.state = state
        self._backoff = Backoff()
        self._last: Pause | None = None
        self._opened_at: datetime | None = None

    def close(self, error: ArchiverError, now: datetime) -> float:
        """Closes it, or keeps it closed after another failed attempt. Seconds until the next attempt."""
        if self._opened_at and is_due(self._opened_at, _OPEN_FOR, now):
            self._forget()
        delay_s = self._backoff.failed(error, now)
        since, attempts = (self._last.since, self._last.attempts) if self._last else (now, 0)
        retry_at = now + timedelta(seconds=delay_s)
        self._last = Pause(error.code, error.message, error.hint, since, attempts + 1, retry_at)
        self._opened_at = None
        self.state.change(pause=self._last)
        return delay_s

    def open(self, now: datetime, *, is_proven: bool) -> None:
        """Everything goes on. Unless it is proven that what failed works again, the failures are remembered a while."""
        self._opened_at = now
        if is_proven:
            self._forget()
        self.state.change(pause=None)

    def _forget(self) -> None:
        self._last = None
        self._backoff.worked()

    def is_due(self, now: datetime) -> bool:
        """Whether it is open, or it is time for the next attempt."""
        return self._backoff.is_over(now)


def wait_for_all(gate: Gate, error: ArchiverError, now: datetime) -> None:
    """Closes the gate, and says so."""
    delay_s = gate.close(error, now)
    message = f"everything waits: {error.message}; next attempt in {delay_s:.0f} s. {error.hint or ''}".rstrip()
    _log.error("account.paused", message, code=error.code, wait_s=delay_s, account=gate.state.read().account)
