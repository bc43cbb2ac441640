"""The kinds of work of a continuous harvest. Each does one small piece at a time, so that what comes first can.

Their order is that of `lanes`: what is new, what is about to be lost, what changed, what may change, the rest of the
past, and whether what was proven still holds. All go through one LivePerson budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from archiver import windows
from archiver.archive import SWEPT, TAILED, Recorded, is_last_chance, next_check
from archiver.errors import BadAnswer, SourceError, SourceUnavailable, Unproven
from archiver.harvest import Ingest, Lookups, WindowReader
from archiver.liveperson import MOST_PER_PAGE
from archiver.model import CELL, NO_PAGE, Window

LAG = timedelta(minutes=2)  # records appear up to a minute late
REACH = timedelta(days=2)  # of what is new; older gaps are the past's
SWEEP_EVERY = timedelta(minutes=15)
PLAN_EVERY = timedelta(hours=1)
_HOUR = timedelta(hours=1)


class Lane(Protocol):
    """One kind of work."""

    @property
    def name(self) -> str: ...

    def step(self, now: datetime) -> bool:
        """Does a small piece of what is due; whether anything was. Raises what has to be waited for, or corrected."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often the newest conversations are asked for, and how far back the harvest goes; None is all there is."""

    every: timedelta = timedelta(minutes=5)
    since: datetime | None = None

    def target(self, now: datetime) -> Window:
        """What is to be complete in the end."""
        kept = windows.provable(now)
        start = max(kept.start, self.since or kept.start)
        return Window(min(start, now - LAG - CELL), now)


class Tail:
    """The newest conversations, hour by hour, again and again until each hour is settled."""

    name = "tail"

    def __init__(self, ingest: Ingest, reader: WindowReader, schedule: Schedule) -> None:
        self._ingest, self._reader, self._schedule = ingest, reader, schedule
        self._planned: list[Window] = []
        self._began: datetime | None = None
        self._due: datetime | None = None

    def step(self, now: datetime) -> bool:
        ledger = self._ingest.archive.ledger
        if not self._planned:
            if self._due and now < self._due:
                return False
            self._planned = list(windows.plan(self._target(now), ledger.sealed(), width=_HOUR))
            self._began, self._due = now, now + self._schedule.every
        if self._planned:  # one that can't be read keeps no newer one from being read: the next round has it again
            _read(self._reader, self._planned.pop(0))
        if not self._planned and self._began:
            with self._ingest.archive.transaction():
                ledger.mark(TAILED, self._began)
                ledger.note_target(self._schedule.target(now).start)
        return True

    def _target(self, now: datetime) -> Window:
        end = windows.floor(now - LAG)
        return Window(min(max(end - REACH, windows.floor(self._schedule.target(now).start)), end - CELL), end)


class Gaps:
    """What of the past is not proven complete, planned anew once in a while: so what can't be read is tried again."""

    def __init__(self, ingest: Ingest, schedule: Schedule) -> None:
        self._ingest, self._schedule = ingest, schedule
        self._planned: list[Window] = []
        self._due: datetime | None = None

    def take(self, now: datetime, *, expiring: bool) -> Window | None:
        """The newest gap, or the oldest one if it is about to leave what LivePerson keeps."""
        if self._due is None or now >= self._due:
            self._planned = self._plan(now)
            self._due = now + PLAN_EVERY
        if not self._planned:
            return None
        if not expiring:
            return self._planned.pop()
        edge = windows.retention(now).start + windows.EXPIRY_MARGIN
        return self._planned.pop(0) if self._planned[0].start < edge else None

    def _plan(self, now: datetime) -> list[Window]:
        start, end = windows.floor(self._schedule.target(now).start), windows.floor(now - LAG) - REACH
        if start >= end:
            return []
        return list(windows.plan(Window(start, end), self._ingest.archive.ledger.sealed()))


class Past:
    """Gaps of the past: those that are about to be lost, oldest first, or all, newest first."""

    def __init__(self, reader: WindowReader, gaps: Gaps, *, expiring: bool) -> None:
        self._reader, self._gaps, self._expiring = reader, gaps, expiring
        self.name = "expiring" if expiring else "backfill"

    def step(self, now: datetime) -> bool:
        window = self._gaps.take(now, expiring=self._expiring)
        if window:
            _read(self._reader, window)
        return window is not None


class Updates:
    """All that LivePerson notes as changed since the last time, whenever it started.

    Where a sweep begins is its own clock's time, never one that was read. One that is not proven whole is repeated.
    """

    name = "updates"

    def __init__(self, ingest: Ingest, schedule: Schedule, every: timedelta = SWEEP_EVERY) -> None:
        self._ingest, self._schedule, self._every = ingest, schedule, every
        self._parts: list[Window] = []
        self._since: datetime | None = None
        self._began: datetime | None = None
        self._is_whole = True

    def step(self, now: datetime) -> bool:
        if not self._parts:
            if self._began and now < self._began + self._every:
                return False
            self._begin(now)
        if self._since and self._parts:
            self._sweep(self._parts.pop(0), self._since - windows.SWEEP_OVERLAP)
        if not self._parts and self._is_whole and self._began:
            with self._ingest.archive.transaction():
                self._ingest.archive.ledger.mark(SWEPT, self._began)
        return True

    def _begin(self, now: datetime) -> None:
        ledger = self._ingest.archive.ledger
        self._since = ledger.marked(SWEPT) or ledger.first_begun()
        self._parts = list(windows.plan(self._schedule.target(now), width=windows.SWEEP_WIDTH)) if self._since else []
        self._began, self._is_whole = now, True

    def _sweep(self, part: Window, since: datetime) -> None:
        """In halves until a part fits into one page, which can't shift while it is read."""
        pages = self._ingest.source.updated(part, since)
        try:
            page = next(pages, NO_PAGE)
            self._ingest.keep(page)
            halves = windows.split(part) if page.total > MOST_PER_PAGE else None
            if halves:
                self._parts[:0] = halves
                return
            for page in pages:
                self._ingest.keep(page)
        except (BadAnswer, Unproven) as error:
            self._ingest.progress.say(f"changes of {part} are not proven whole: {error.message}")
            self._is_whole = False
        except SourceError:
            self._parts.append(part)
            raise


class Watch:
    """Conversations that are open, cut short, settling, or said less than before: each when it is due."""

    name = "watch"

    def __init__(self, ingest: Ingest) -> None:
        self._look_ups = Lookups(ingest)

    def step(self, now: datetime) -> bool:
        return self._look_ups.some(seen_before=now, due_by=now)


class Reconcile:
    """Whether LivePerson still announces as many for what was proven complete; what differs is read again.

    A window that is about to leave what LivePerson keeps is read in full once more.
    """

    name = "reconcile"

    def __init__(self, ingest: Ingest, reader: WindowReader) -> None:
        self._ingest, self._reader = ingest, reader

    def step(self, now: datetime) -> bool:
        archive = self._ingest.archive
        found = archive.ledger.due_for_check(now)
        if found is None:
            return False
        window, ledger = found.reading.window, archive.ledger
        try:
            self._check(found, now)
        except SourceError as error:
            with archive.transaction():
                ledger.postpone_check(window, now + PLAN_EVERY)
            if not isinstance(error, BadAnswer | Unproven):
                raise
            self._ingest.progress.say(f"{window} can't be checked now: {error.message}")
        else:
            with archive.transaction():
                ledger.checked(window, next_check(window, now, found.checks + 1))
        return True

    def _check(self, found: Recorded, now: datetime) -> None:
        window, archive = found.reading.window, self._ingest.archive
        if window.start - windows.OVERLAP < windows.retention(now).start:
            return  # part of it is gone, so that counts prove nothing
        count = self._ingest.source.count(windows.widen(window))
        if count != found.reading.expected:
            with archive.transaction():
                archive.unseal(window, f"LivePerson announces {count} now, not {found.reading.expected}", now)
        if count != found.reading.expected or is_last_chance(window, now):
            _read(self._reader, window)


def _read(reader: WindowReader, window: Window) -> None:
    """Reads a window; what can't be read is recorded with its reason."""
    try:
        reader.read(window, None)
    except SourceUnavailable as error:
        reader.name(window, None, error)
        raise


def make_lanes(ingest: Ingest, reader: WindowReader, schedule: Schedule) -> list[Lane]:
    """All lanes, the most urgent first."""
    gaps = Gaps(ingest, schedule)
    return [
        Tail(ingest, reader, schedule), Past(reader, gaps, expiring=True), Updates(ingest, schedule), Watch(ingest),
        Past(reader, gaps, expiring=False), Reconcile(ingest, reader),
    ]  # fmt: skip
