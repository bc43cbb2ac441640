"""The current state of one account's harvest: written by its threads, read by the health endpoints.

Safe between threads.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from archiver.errors import ArchiverError
from archiver.value import Value, replace

STUCK_AFTER = timedelta(minutes=30)  # longer than any request to LivePerson takes


class LaneState(Value):
    """A lane's work so far. `error` is why its last step failed, `code` the kind of that error; None if it did not."""

    steps: int = 0
    failures: int = 0
    done_at: datetime | None = None
    error: str | None = None
    code: str | None = None


class ArchiveCounts(Value):
    """What an archive holds and lacks. Spans and hours are those of `archiver coverage`.

    `hours_left`: until the oldest gap that the service has to close begins to be lost; `unproven_hours_left`: the same
    for spans that were read and not proven complete. None without such a gap.
    """

    conversations: int = 0
    messages: int = 0
    head: int = 0
    watched: int = 0
    shallow: int = 0
    quarantined: int = 0
    pending_erasures: int = 0
    gaps: int = 0
    gap_hours: float = 0.0
    unproven: int = 0
    lost: int = 0
    lost_hours: float = 0.0
    hours_left: float | None = None
    unproven_hours_left: float | None = None


class Observation(Value):
    """What was read from an archive when health was asked for. `counts` is None before there is an archive, and while
    it can't be read: `error` says why. `tailed_at`: when it was last up to date with LivePerson.
    """

    counts: ArchiveCounts | None = None
    tailed_at: datetime | None = None
    error: str | None = None


class IndexState(Value):
    """Up to which vault entry the index is applied; None if that is not known yet. `error`: why the last write failed.

    `caught_up_at`: when it last had every entry. `rebuilt`: conversations in the new index that is being built; None if
    none is.
    """

    applied: int | None = None
    refused: int = 0
    error: str | None = None
    caught_up_at: datetime | None = None
    rebuilt: int | None = None


class Pause(Value):
    """Why all work of an account waits: how often it was tried in vain since when, and when the next attempt is."""

    code: str
    error: str
    hint: str | None
    since: datetime
    attempts: int
    retry_at: datetime


class Snapshot(Value):
    """The state at one moment. `fresh_within`: the greatest normal age of the newest conversations. `heartbeat_at`:
    when the harvest last made progress. `lease_error`: why the lease could not be renewed. `ended`: why this account is
    harvested no more. `clock`: why the present time is not certain enough to prove a window complete; None if it is.
    """

    account: str
    fresh_within: timedelta
    started_at: datetime
    heartbeat_at: datetime
    profile: str | None = None
    lanes: dict[str, LaneState] = {}  # noqa: RUF012  (each gets its own)
    pause: Pause | None = None
    lease_error: str | None = None
    ended: str | None = None
    archive: Observation = Observation()
    index: IndexState = IndexState()
    entries_made: int = 0
    answers: dict[str, int] = {}  # noqa: RUF012
    clock: str | None = None

    def lag(self, now: datetime) -> timedelta:
        """How long ago the archive was last up to date with LivePerson, or how long we have been trying."""
        return now - (self.archive.tailed_at or self.started_at)

    def is_alive(self, now: datetime) -> bool:
        """Whether the harvest makes progress; it also does while it waits for LivePerson."""
        return now - self.heartbeat_at < STUCK_AFTER


class ServiceState:
    """Holds the newest snapshot."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state
        self._lock = threading.Lock()

    def read(self) -> Snapshot:
        return self._state

    def change(self, **values: object) -> None:
        with self._lock:
            self._state = replace(self._state, **values)

    def change_index(self, **values: object) -> None:
        """Changes members of the index's state."""
        with self._lock:
            self._state = replace(self._state, index=replace(self._state.index, **values))

    def count_answer(self, status: str) -> None:
        """Counts one more response of LivePerson."""
        with self._lock:
            answers = {**self._state.answers, status: self._state.answers.get(status, 0) + 1}
            self._state = replace(self._state, answers=answers)

    def count_step(self, name: str, now: datetime) -> None:
        """Counts a step in which a lane did something; its last error is over."""
        lane = self._state.lanes.get(name, LaneState())
        self._set(name, replace(lane, steps=lane.steps + 1, done_at=now, error=None, code=None))

    def count_failure(self, name: str, error: ArchiverError) -> None:
        """Counts a failed step, whose error stays until the lane's next step that does something."""
        lane = self._state.lanes.get(name, LaneState())
        self._set(name, replace(lane, failures=lane.failures + 1, error=error.message, code=error.code))

    def _set(self, name: str, lane: LaneState) -> None:
        self.change(lanes={**self._state.lanes, name: lane})
