"""The loop of the continuous harvest: the next step of the most urgent lane, then the index, with waits in between.

Transient failures are retried after growing delays; an error that a person has to correct ends the service.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from archiver.archive import ArchiveFile, Bookmark, CoverageState
from archiver.errors import ArchiverError, BadAnswer, Unproven
from archiver.harvest import Ingest
from archiver.logs import EventLogger
from archiver.retry import Retries, RetryPolicy, doubling
from archiver.service.indexer import Indexer
from archiver.service.schedule import Lane
from archiver.service.state import ArchiveCounts, ServiceState

_log = EventLogger("service")
IDLE_S = 0.5
_HEARTBEAT_EVERY, _COUNT_EVERY = timedelta(minutes=1), timedelta(seconds=20)


def _may_pass(error: ArchiverError) -> bool:
    """Whether a lane's failure may be temporary: LivePerson may answer later, or readably."""
    return error.transient or isinstance(error, BadAnswer | Unproven)


RETRIES = RetryPolicy(delays_s=doubling(15.0, 600.0), is_worth_it=_may_pass)


class Backoff:
    """When a failed step is retried."""

    def __init__(self, policy: RetryPolicy = RETRIES) -> None:
        self._retries = Retries(policy)
        self.until: datetime | None = None

    def failed(self, error: ArchiverError, now: datetime) -> float:
        """Seconds until the next attempt. Raises the error if a person has to correct its cause."""
        delay_s = self._retries.delay_after(error)
        self.until = now + timedelta(seconds=delay_s)
        return delay_s

    def worked(self) -> None:
        """Resets the delay: the next failure counts as the first."""
        self._retries.progressed()
        self.until = None

    def is_over(self, now: datetime) -> bool:
        """Whether the delay has passed."""
        return self.until is None or now >= self.until


class Service:
    """Runs until `stop` is set."""

    def __init__(
        self, ingest: Ingest, lanes: Sequence[Lane], indexer: Indexer, state: ServiceState, stop: threading.Event,
        *, on_tick: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._ingest, self._lanes, self._indexer, self._state, self._stop = ingest, lanes, indexer, state, stop
        self._on_tick = on_tick
        self._backoff = {lane.name: Backoff() for lane in lanes}
        self._heartbeat_at: datetime | None = None
        self._counted_at: datetime | None = None

    def run(self) -> None:
        """Runs as the archive's one harvester (`Ingest.exclusive`). Raises Locked, AuthError, ArchiveError and other
        errors that a person has to correct.
        """
        try:
            _log.info("service.started", "harvesting continuously")
            while not self._stop.is_set():
                self.tick()
        finally:
            self._indexer.close()

    def tick(self) -> None:
        """One step of the most urgent lane that has work, and of the index; or a short wait."""
        now = self._ingest.steady()
        self._heartbeat(now)
        is_busy = self._step(now)
        is_busy = self._indexer.step(now, is_idle=not is_busy) or is_busy
        self.count(now)
        self._on_tick()
        if not is_busy:
            self._stop.wait(IDLE_S)

    def _step(self, now: datetime) -> bool:
        """Whether a lane did something. A lane that failed waits; the others go on."""
        for lane in self._lanes:
            backoff = self._backoff[lane.name]
            if not backoff.is_over(now):
                continue
            try:
                is_busy = lane.step(now)
            except ArchiverError as error:
                self._state.count_failure(lane.name, error)
                delay_s = backoff.failed(error, self._ingest.steady())
                message = f"{lane.name}: {error.message}; going on in {delay_s:.0f} s"
                _log.warning("lane.failed", message, lane=lane.name, code=error.code, wait_s=delay_s)
                continue
            if is_busy:
                self._state.count_step(lane.name, self._ingest.clock())
                backoff.worked()
                return True
        return False

    def _heartbeat(self, now: datetime) -> None:
        self._state.change(heartbeat_at=self._ingest.clock())
        if self._heartbeat_at is None or now - self._heartbeat_at >= _HEARTBEAT_EVERY:
            self._ingest.archive.heartbeat(self._ingest.clock())
            self._heartbeat_at = now

    def count(self, now: datetime) -> None:
        """Brings the counts of the service's state up to date, where they are older than 20 seconds."""
        archive = self._ingest.archive
        tailed_at = archive.ledger.bookmark(Bookmark.TAILED)
        clock = self._ingest.source.time_fault()
        self._state.change(tailed_at=tailed_at, entries_made=self._ingest.new, clock=clock)
        if self._counted_at is None or now - self._counted_at >= _COUNT_EVERY:
            self._state.change(counts=count_archive(archive, self._ingest.clock()))
            self._counted_at = now


def count_archive(archive: ArchiveFile, now: datetime) -> ArchiveCounts:
    """Counts for health and metrics: what the archive holds and lacks."""
    conversations, messages = archive.vault.totals()
    coverage = archive.coverage(now)
    lost = [gap for gap in coverage.gaps if gap.state is CoverageState.LOST]
    return ArchiveCounts(
        conversations=conversations,
        messages=messages,
        head=archive.vault.head(),
        watched=archive.ledger.count_watched(),
        quarantined=archive.vault.count_quarantined(),
        pending_erasures=archive.erasures.count_pending(),
        gaps=len(coverage.gaps),
        gap_hours=sum((gap.hours for gap in coverage.gaps), 0.0),
        unproven=sum(gap.state is CoverageState.UNPROVEN for gap in coverage.gaps),
        lost=len(lost),
        lost_hours=sum((gap.hours for gap in lost), 0.0),
        hours_left=coverage.hours_left,
    )
