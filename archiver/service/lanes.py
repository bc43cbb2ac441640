"""The kinds of work of a continuous harvest. Each does one small piece at a time, so that the most urgent comes first.

In order of `make_lanes`: LivePerson's time, what is beyond its promise to keep, new conversations, those it is about to
delete, changed ones, those that may change, the rest of the past, details that searches leave out, and checks of what
was proven. All share one rate limit.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from archiver import windows
from archiver.archive import Bookmark, RecordedWindow, is_last_chance, next_check
from archiver.errors import AuthError, BadAnswer, SourceError, Unproven
from archiver.harvest import Ingest, Lookups, WindowReader
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger
from archiver.model import CELL, Window
from archiver.received import NO_PAGE, Page
from archiver.service.schedule import LAG, Lane, Schedule
from archiver.service.time_lanes import Clock, Deepen, Older
from archiver.service.waiting import is_due

_log = EventLogger("service")
TAIL_SPAN = timedelta(days=2)  # conversations that started within this time are the tail; older gaps are the past
SWEEP_EVERY = timedelta(minutes=15)
PLAN_EVERY = timedelta(hours=1)
_HOUR = timedelta(hours=1)


class Tail:
    """Reads the newest conversations, hour by hour, repeatedly until each hour is proven complete."""

    name = "tail"

    def __init__(self, ingest: Ingest, reader: WindowReader, schedule: Schedule) -> None:
        self._ingest, self._reader, self._schedule = ingest, reader, schedule
        self._planned: list[Window] = []
        self._began: datetime | None = None  # the present round, by LivePerson's time
        self._begun_at: datetime | None = None  # by the steady clock

    def step(self, now: datetime) -> bool:
        if not self._planned:
            if not is_due(self._begun_at, self._schedule.every, now):
                return False
            self._began, self._begun_at = self._ingest.clock(), now
            sealed = self._ingest.archive.ledger.sealed()
            self._planned = list(windows.plan(self._span(self._began), sealed, width=lambda: _HOUR))
        if self._planned:  # an hour that can't be read keeps no newer one from being read: the next round has it again
            _read(self._reader, self._planned.pop(0))
        if not self._planned and self._began:
            target = self._schedule.target(self._began).start
            self._ingest.archive.set_bookmark(Bookmark.TAILED, self._began, target=target)
        return True

    def _span(self, now: datetime) -> Window:
        end = windows.floor(now - LAG)
        return Window(min(max(end - TAIL_SPAN, windows.floor(self._schedule.target(now).start)), end - CELL), end)


class PastGaps:
    """Unproven windows of the past. The list is made again every hour, so that failed windows are tried again."""

    def __init__(self, ingest: Ingest, schedule: Schedule) -> None:
        self._ingest, self._schedule = ingest, schedule
        self._planned: list[Window] = []
        self._planned_at: datetime | None = None

    def take(self, now: datetime, *, is_expiring: bool) -> Window | None:
        """The newest gap; or with `is_expiring` the oldest one, if LivePerson is about to delete it."""
        if is_due(self._planned_at, PLAN_EVERY, now):
            self._planned, self._planned_at = self._plan(self._ingest.clock()), now
        if not self._planned:
            return None
        if not is_expiring:
            return self._planned.pop()
        edge = windows.retention(self._ingest.clock()).start + windows.EXPIRY_MARGIN
        return self._planned.pop(0) if self._planned[0].start < edge else None

    def _plan(self, now: datetime) -> list[Window]:
        start, end = windows.floor(self._schedule.target(now).start), windows.floor(now - LAG) - TAIL_SPAN
        if start >= end:
            return []
        return list(windows.plan(Window(start, end), self._ingest.archive.ledger.sealed()))


class Backfill:
    """Gaps of the past: those that LivePerson is about to delete, oldest first, or all, newest first."""

    def __init__(self, reader: WindowReader, gaps: PastGaps, *, is_expiring: bool) -> None:
        self._reader, self._gaps, self._is_expiring = reader, gaps, is_expiring
        self.name = "expiring" if is_expiring else "backfill"

    def step(self, now: datetime) -> bool:
        window = self._gaps.take(now, is_expiring=self._is_expiring)
        if window:
            _read(self._reader, window)
        return window is not None


class Updates:
    """Reads everything that LivePerson reports as changed since the last sweep, whenever it started.

    A sweep begins at LivePerson's time at the start of the previous one, never at a time from a record. A sweep that is
    not proven complete is repeated, also one that began when LivePerson's time was not known.
    """

    name = "updates"

    def __init__(self, ingest: Ingest, schedule: Schedule, every: timedelta = SWEEP_EVERY) -> None:
        self._ingest, self._schedule, self._every = ingest, schedule, every
        self._parts: list[Window] = []
        self._since: datetime | None = None
        self._began: datetime | None = None  # the present sweep, by LivePerson's time
        self._begun_at: datetime | None = None  # by the steady clock
        self._is_whole = True

    def step(self, now: datetime) -> bool:
        if not self._parts:
            if not is_due(self._begun_at, self._every, now):
                return False
            self._ingest.source.ask_time()
            self._begun_at = now
            self._begin(self._ingest.clock())
        if self._since and self._parts:
            self._sweep(self._parts.pop(0), self._since - windows.SWEEP_OVERLAP)
        if not self._parts and self._is_whole and self._began:
            self._ingest.archive.set_bookmark(Bookmark.SWEPT, self._began)
        return True

    def _begin(self, now: datetime) -> None:
        ledger = self._ingest.archive.ledger
        self._since = ledger.bookmark(Bookmark.SWEPT) or ledger.first_begun()
        target = self._schedule.target(now)
        self._parts = list(windows.plan(target, width=lambda: windows.SWEEP_WIDTH)) if self._since else []
        self._began, self._is_whole = now, self._ingest.source.skew is not None

    def _sweep(self, part: Window, since: datetime) -> None:
        """Reads in halves until a part fits into one page, whose rows can't move while it is read."""
        pages = self._ingest.source.updated(part, since, is_light=self._ingest.wants_light)
        try:
            page = next(pages, NO_PAGE)
            self._keep(page)
            halves = windows.split(part) if page.total > MOST_PER_PAGE else None
            if halves:
                self._parts[:0] = halves
                return
            for page in pages:
                self._keep(page)
        except (BadAnswer, Unproven) as error:
            message = f"changes of {part} are not proven whole: {error.message}"
            _log.warning("sweep.unproven", message, window=part, code=error.code)
            self._is_whole = False
        except SourceError:
            self._parts.append(part)
            raise

    def _keep(self, page: Page) -> None:
        self._ingest.keep(self._ingest.complete(page))


class Watch:
    """Looks up conversations that are open, truncated, recently closed, or had fewer messages than before, when due."""

    name = "watch"

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._lookups = Lookups(ingest)

    def step(self, now: datetime) -> bool:
        theirs = self._ingest.clock()
        return self._lookups.recheck_some(seen_before=theirs, due_by=theirs)


class Reconcile:
    """Compares LivePerson's present count with sealed windows; a window where it differs is read again.

    A window is read in full once more when its last month at LivePerson begins.
    """

    name = "reconcile"

    def __init__(self, ingest: Ingest, reader: WindowReader) -> None:
        self._ingest, self._reader = ingest, reader

    def step(self, now: datetime) -> bool:
        return self._step(self._ingest.clock())

    def _step(self, now: datetime) -> bool:
        archive = self._ingest.archive
        due = archive.ledger.due_for_check(now)
        if due is None:
            return False
        window = due.reading.window
        try:
            self._check(due, now)
        except SourceError as error:
            archive.postpone_check(window, now + PLAN_EVERY)
            if not isinstance(error, BadAnswer | Unproven):
                raise
            message = f"{window} can't be checked now: {error.message}"
            _log.warning("check.failed", message, window=window, code=error.code)
        else:
            archive.record_check(window, next_check(window, now, due.checks + 1))
        return True

    def _check(self, due: RecordedWindow, now: datetime) -> None:
        window, expected = due.reading.window, due.reading.expected
        if window.start - windows.OVERLAP < windows.retention(now).start:
            return  # LivePerson has deleted part of it, so its count proves nothing
        count = self._ingest.source.count(windows.widen(window))
        if count != expected:
            reason = f"LivePerson announces {count} now, not {expected}"
            self._ingest.archive.unseal(window, reason, now)
            _log.info("window.unsealed", f"{window}: {reason}", window=window, expected=expected, count=count)
        if count != expected or is_last_chance(window, now):
            _read(self._reader, window)


def _read(reader: WindowReader, window: Window) -> None:
    """Reads a window; a failure of LivePerson is recorded with its reason, except where it refuses everything."""
    try:
        reader.read(window, None)
    except AuthError:
        raise
    except SourceError as error:
        reader.record_failure(window, None, error)
        raise


def make_lanes(ingest: Ingest, reader: WindowReader, schedule: Schedule) -> list[Lane]:
    """All lanes, the most urgent first."""
    gaps = PastGaps(ingest, schedule)
    return [
        Clock(ingest), Older(ingest, schedule), Tail(ingest, reader, schedule),
        Backfill(reader, gaps, is_expiring=True), Updates(ingest, schedule),
        Watch(ingest), Backfill(reader, gaps, is_expiring=False), Deepen(ingest), Reconcile(ingest, reader),
    ]  # fmt: skip
