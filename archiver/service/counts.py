"""Counts of an archive for health and metrics, made when they are asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from archiver.archive import ArchiveFile, Bookmark, Coverage, CoverageState, Stretch
from archiver.errors import ArchiverError
from archiver.service.schedule import Schedule
from archiver.service.state import ArchiveCounts, Observation
from archiver.windows import retention

_FRESH_S, _SHARE = 2.0, 20  # counts are kept for two seconds, and for twenty times as long as they took
_HOUR = timedelta(hours=1)


class Counter:
    """Reads through a connection of its own, so that it neither waits for the harvest nor is older than said here:
    counting takes at most a twentieth of the time, however often it is asked for.
    """

    def __init__(
        self, connect: Callable[[], ArchiveFile], schedule: Schedule, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._connect, self._schedule, self._clock_s = connect, schedule, clock_s
        self._lock = threading.Lock()
        self._archive: ArchiveFile | None = None
        self._last = Observation()
        self._fresh_until_s: float | None = None

    def read(self, now: datetime) -> Observation:
        """The present counts, or why they can't be made. Safe between threads."""
        with self._lock:
            started_s = self._clock_s()
            if self._fresh_until_s is None or started_s >= self._fresh_until_s:
                self._last = self._observed(now)
                took_s = self._clock_s() - started_s
                self._fresh_until_s = started_s + took_s + max(_FRESH_S, _SHARE * took_s)
            return self._last

    def _observed(self, now: datetime) -> Observation:
        try:
            archive = self._archive = self._archive or self._connect()
            with archive.snapshot():
                return Observation(
                    count_archive(archive, self._schedule, now), archive.ledger.bookmark(Bookmark.TAILED)
                )
        except ArchiverError as error:
            self._close()
            return Observation(tailed_at=self._last.tailed_at, error=error.message)

    def _close(self) -> None:
        if self._archive:
            self._archive.close()
        self._archive = None

    def close(self) -> None:
        """Closes the connection; the next reading opens it again."""
        with self._lock:
            self._close()


def count_archive(archive: ArchiveFile, schedule: Schedule, now: datetime) -> ArchiveCounts:
    """What an archive holds and lacks, as a service with this schedule sees it. Raises ArchiveError."""
    conversations, messages = archive.vault.totals()
    coverage = archive.covering(now).between()
    wanted = _wanted(coverage, archive, schedule, now)
    unproven = [start for start, state in wanted if state is CoverageState.UNPROVEN]
    lost = [gap for gap in coverage.gaps if gap.state is CoverageState.LOST]
    return ArchiveCounts(
        conversations=conversations,
        messages=messages,
        head=archive.vault.head(),
        watched=archive.ledger.count_watched(),
        shallow=archive.vault.count_shallow(),
        quarantined=archive.vault.count_quarantined(),
        pending_erasures=archive.erasures.count_pending(),
        gaps=len(coverage.gaps),
        gap_hours=_hours(coverage.gaps),
        unproven=sum(gap.state is CoverageState.UNPROVEN for gap in coverage.gaps),
        lost=len(lost),
        lost_hours=_hours(lost),
        hours_left=_hours_left([start for start, _ in wanted], now),
        unproven_hours_left=_hours_left(unproven, now),
    )


def _hours(gaps: list[Stretch] | tuple[Stretch, ...]) -> float:
    return sum((gap.hours for gap in gaps), 0.0)


def _wanted(
    coverage: Coverage, archive: ArchiveFile, schedule: Schedule, now: datetime
) -> list[tuple[datetime, CoverageState]]:
    """The gaps that can still be closed and that the service, or a harvest before it, was told to close: the start of
    that part, and the state. What lies before `--from` is nobody's loss.
    """
    targets = [schedule.target(now).start, archive.ledger.bookmark(Bookmark.TARGET)]
    start = min(target for target in targets if target)
    closable = (CoverageState.OPEN, CoverageState.UNPROVEN)
    return [
        (max(gap.window.start, start), gap.state)
        for gap in coverage.gaps
        if gap.state in closable and gap.window.end > start
    ]


def _hours_left(starts: list[datetime], now: datetime) -> float | None:
    """Hours until the oldest of these begins to leave LivePerson's retention."""
    return max((min(starts) - retention(now).start) / _HOUR, 0.0) if starts else None
