"""The service's current state: written by the harvest thread, read by the health endpoints. Safe between threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from archiver.errors import ArchiverError

STUCK_AFTER = timedelta(minutes=30)  # longer than any call waits for LivePerson


class Level(StrEnum):
    """Health, from good to bad. Red: a person has to act."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True, slots=True)
class LaneState:
    """A lane's work so far. `error` is why its last step failed; None if it did not."""

    steps: int = 0
    failures: int = 0
    done_at: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class ArchiveCounts:
    """What the archive held when it was last counted. Spans and hours are those of `archiver coverage`."""

    conversations: int = 0
    messages: int = 0
    head: int = 0
    watched: int = 0
    quarantined: int = 0
    pending_erasures: int = 0
    gaps: int = 0
    gap_hours: float = 0.0
    unproven: int = 0
    lost: int = 0
    lost_hours: float = 0.0
    hours_left: float | None = None


@dataclass(frozen=True, slots=True)
class IndexState:
    """Up to which vault entry the index is applied; `error`: why the last write failed."""

    applied: int | None = None
    refused: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state at one moment. `fresh_within`: the greatest normal age of the newest conversations. `clock`: why the
    present time is not certain enough to prove a window complete; None if it is.
    """

    account: str
    fresh_within: timedelta
    started_at: datetime
    heartbeat_at: datetime
    tailed_at: datetime | None = None
    lanes: dict[str, LaneState] = field(default_factory=dict)
    counts: ArchiveCounts = ArchiveCounts()
    index: IndexState = IndexState()
    entries_made: int = 0
    answers: dict[str, int] = field(default_factory=dict)
    clock: str | None = None

    def lag(self, now: datetime) -> timedelta:
        """How long ago the archive was last up to date with LivePerson, or how long we have been trying."""
        return now - (self.tailed_at or self.started_at)

    def is_alive(self, now: datetime) -> bool:
        return now - self.heartbeat_at < STUCK_AFTER

    def troubles(self, now: datetime) -> Iterator[tuple[Level, str]]:
        """Everything that is wrong, in words."""
        if self.counts.lost:
            yield Level.RED, f"{self.counts.lost} spans were lost to LivePerson's retention (archiver coverage --gaps)"
        if self.lag(now) > self.fresh_within:
            yield Level.RED, f"nothing new from LivePerson for {self.lag(now).total_seconds() / 60:,.0f} minutes"
        if not self.is_alive(now):
            yield Level.RED, "the harvest makes no progress"
        if self.clock:
            yield Level.YELLOW, f"no window can be proven complete: {self.clock} (archiver doctor)"
        for name, lane in self.lanes.items():
            if lane.error:
                yield Level.YELLOW, f"{name}: {lane.error}"
        if self.counts.unproven:
            yield Level.YELLOW, f"{self.counts.unproven} spans are not proven complete (archiver coverage --gaps)"
        if self.index.error:
            yield Level.YELLOW, f"the index: {self.index.error}"
        if self.index.refused:
            yield Level.YELLOW, f"{self.index.refused} conversations are refused by the index (archiver store status)"
        if self.counts.pending_erasures:
            yield Level.YELLOW, f"{self.counts.pending_erasures} erasures wait for a decision (archiver erasures)"

    def level(self, now: datetime) -> Level:
        order = list(Level)
        return max((level for level, _ in self.troubles(now)), key=order.index, default=Level.GREEN)


class ServiceState:
    """Holds the newest snapshot."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state
        self._lock = threading.Lock()

    def read(self) -> Snapshot:
        return self._state

    def change(self, **values: object) -> None:
        with self._lock:
            self._state = replace(self._state, **values)  # type: ignore[arg-type]

    def count_answer(self, status: str) -> None:
        """Counts one more response of LivePerson."""
        with self._lock:
            answers = {**self._state.answers, status: self._state.answers.get(status, 0) + 1}
            self._state = replace(self._state, answers=answers)

    def count_step(self, name: str, now: datetime) -> None:
        """Counts a step in which a lane did something; its last error is over."""
        lane = self._state.lanes.get(name, LaneState())
        self._set(name, replace(lane, steps=lane.steps + 1, done_at=now, error=None))

    def count_failure(self, name: str, error: ArchiverError) -> None:
        """Counts a failed step, whose error stays until the lane's next step that does something."""
        lane = self._state.lanes.get(name, LaneState())
        self._set(name, replace(lane, failures=lane.failures + 1, error=error.message))

    def _set(self, name: str, lane: LaneState) -> None:
        self.change(lanes={**self._state.lanes, name: lane})
