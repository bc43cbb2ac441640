"""The harvest that goes on for ever: the most urgent lane's next step, the index behind it, and what waits in between.

What fails for a time is waited for, longer each time; what a person has to correct ends it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from archiver.archive import TAILED, TARGET, Archive, CoverageState, gaps, hours_left, stretches, whole_span
from archiver.errors import ArchiverError, BadAnswer, StoreError, Unproven
from archiver.harvest import Ingest
from archiver.index import Store, catch_up
from archiver.progress import Progress, Silent
from archiver.service.lanes import Lane
from archiver.service.state import ArchiveCounts, IndexState, ServiceState

IDLE_S = 0.5
_BEAT_EVERY, _COUNT_EVERY = timedelta(minutes=1), timedelta(seconds=20)
_SHORTEST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(minutes=10)
_MANY_ENTRIES, _INDEX_EVERY = 2_000, timedelta(seconds=5)


class Backoff:
    """How long to wait after the same thing failed again: from 15 seconds, twice as long each time, to 10 minutes."""

    def __init__(self) -> None:
        self._failures = 0
        self.until: datetime | None = None

    def failed(self, now: datetime) -> timedelta:
        wait: timedelta = min(_SHORTEST_WAIT * 2 ** min(self._failures, 10), _LONGEST_WAIT)
        self._failures += 1
        self.until = now + wait
        return wait

    def worked(self) -> None:
        self._failures, self.until = 0, None

    def is_over(self, now: datetime) -> bool:
        return self.until is None or now >= self.until


class Indexer:
    """Keeps an index up to the vault's head. One that is out of reach is tried again later and stops nothing."""

    def __init__(
        self, archive: Archive, open_index: Callable[[], Store], board: ServiceState, progress: Progress
    ) -> None:
        self._archive, self._open, self._board, self._progress = archive, open_index, board, progress
        self._store: Store | None = None
        self._backoff = Backoff()
        self._applied: int | None = None
        self._applied_at: datetime | None = None

    def step(self, now: datetime, *, is_idle: bool) -> bool:
        """Applies what the vault has more, unless it is too little to bother; whether anything was applied."""
        head = self._archive.vault.head()
        behind = None if self._applied is None else head - self._applied
        is_soon = self._applied_at is not None and now - self._applied_at < _INDEX_EVERY
        if behind == 0 or not self._backoff.is_over(now) or (is_soon and (behind or 0) < _MANY_ENTRIES and not is_idle):
            return False
        try:
            self._apply(head)
        except StoreError as error:
            self._failed(error, now)
            return False
        self._applied_at = now
        return True

    def _apply(self, head: int) -> None:
        self._store = self._store or self._open()
        refused = catch_up(self._archive, self._store, Silent()).refused
        if self._board.read().index.error:
            self._progress.say("the index is reached again")
        self._applied = head
        self._backoff.worked()
        self._board.change(index=IndexState(head, len(refused)))

    def _failed(self, error: StoreError, now: datetime) -> None:
        wait = self._backoff.failed(now)
        if self._board.read().index.error != error.message:
            self._progress.say(f"{error.message}; harvesting goes on, the index is tried again in {wait.seconds} s")
        self._board.change(index=IndexState(self._applied, self._board.read().index.refused, error.message))
        self.close()

    def close(self) -> None:
        if self._store:
            with suppress(StoreError):
                self._store.close()
        self._store = None


class Service:
    """Runs until it is told to stop. `wait` takes seconds and ends early when it is."""

    def __init__(
        self, ingest: Ingest, lanes: Sequence[Lane], indexer: Indexer, board: ServiceState, stop: threading.Event,
        *, on_tick: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._ingest, self._lanes, self._indexer, self._board, self._stop = ingest, lanes, indexer, board, stop
        self._on_tick = on_tick
        self._backoff = {lane.name: Backoff() for lane in lanes}
        self._beat_at: datetime | None = None
        self._counted_at: datetime | None = None

    def run(self) -> None:
        """Raises Locked, AuthError, ArchiveError and whatever else a person has to correct."""
        try:
            with self._ingest.alone():
                while not self._stop.is_set():
                    self.tick()
        finally:
            self._indexer.close()

    def tick(self) -> None:
        """One step of the most urgent lane that has something to do, and of the index; or a short wait."""
        now = self._ingest.clock()
        self._beat(now)
        is_busy = self._step(now)
        is_busy = self._indexer.step(now, is_idle=not is_busy) or is_busy
        self._count(now)
        self._on_tick()
        if not is_busy:
            self._stop.wait(IDLE_S)

    def _step(self, now: datetime) -> bool:
        """Whether a lane did something. One that failed waits by itself; the others go on."""
        for lane in self._lanes:
            backoff = self._backoff[lane.name]
            if not backoff.is_over(now):
                continue
            try:
                with self._board.lane(lane.name, now):
                    is_busy = lane.step(now)
            except ArchiverError as error:
                self._failed(lane, error, backoff)
                continue
            if is_busy:
                backoff.worked()
                return True
        return False

    def _failed(self, lane: Lane, error: ArchiverError, backoff: Backoff) -> None:
        """Waits for what passes; raises what does not."""
        if not error.transient and not isinstance(error, BadAnswer | Unproven):
            raise error
        wait = backoff.failed(self._ingest.clock())
        self._ingest.progress.say(f"{lane.name}: {error.message}; going on in {wait.total_seconds():.0f} s")

    def _beat(self, now: datetime) -> None:
        self._board.change(beat_at=now)
        if self._beat_at is None or now - self._beat_at >= _BEAT_EVERY:
            self._ingest.beat()
            self._beat_at = now

    def _count(self, now: datetime) -> None:
        archive = self._ingest.archive
        self._board.change(tailed_at=archive.ledger.marked(TAILED), entries_made=self._ingest.new)
        if self._counted_at is None or now - self._counted_at >= _COUNT_EVERY:
            self._board.change(facts=facts(archive, now))
            self._counted_at = now


def facts(archive: Archive, now: datetime) -> ArchiveCounts:
    """What the archive holds and lacks."""
    conversations, messages = archive.vault.totals()
    readings = list(archive.ledger.readings())
    found = list(stretches(whole_span(readings, now, archive.ledger.marked(TARGET)), readings, now))
    missing = gaps(found)
    return ArchiveCounts(
        conversations=conversations,
        messages=messages,
        head=archive.vault.head(),
        watched=archive.ledger.count_watched(),
        aside=archive.vault.count_aside(),
        pending_erasures=archive.erasures.count_pending(),
        gaps=len(missing),
        gap_hours=sum((gap.hours for gap in missing), 0.0),
        failed=sum(gap.state is CoverageState.FAILED for gap in missing),
        lost=sum(gap.state is CoverageState.LOST for gap in missing),
        lost_hours=sum((gap.hours for gap in missing if gap.state is CoverageState.LOST), 0.0),
        hours_left=hours_left(found, now),
    )
