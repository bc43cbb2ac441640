"""The lanes that do their work once in a while: LivePerson's time, what it may delete at any moment, and details."""

from __future__ import annotations

from datetime import datetime, timedelta

from archiver import windows
from archiver.harvest import Deepening, Ingest, Leftovers
from archiver.service.schedule import Schedule
from archiver.service.waiting import is_due

CLOCK_EVERY = timedelta(minutes=10)
OLDER_EVERY = DEEPEN_EVERY = timedelta(days=1)


class Clock:
    """Learns LivePerson's time, notes how far this machine's clock is off, and withdraws what was recorded by a clock
    that was wrong.
    """

    name = "clock"

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._done_at: datetime | None = None

    def step(self, now: datetime) -> bool:
        if not is_due(self._done_at, CLOCK_EVERY, now):
            return False
        self._ingest.source.ask_time()
        self._ingest.heal()
        self._done_at = now
        return True


class Older:
    """Reads what LivePerson still returns of a time before its 13 months, at the start and then once a day. At the
    start this includes what LivePerson deletes in the next minutes.
    """

    name = "older"

    def __init__(self, ingest: Ingest, schedule: Schedule) -> None:
        self._ingest, self._schedule = ingest, schedule
        self._done_at: datetime | None = None

    def step(self, now: datetime) -> bool:
        if not is_due(self._done_at, OLDER_EVERY, now):
            return False
        theirs, since = self._ingest.clock(), self._schedule.since
        end = windows.provable(theirs).start
        self._done_at = now
        if since and since >= end:
            return False
        Leftovers(self._ingest).read_before(end, since)
        return True


class Deepen:
    """Reads by their ids the conversations that are archived only as a search returned them; each once a day."""

    name = "deepen"

    def __init__(self, ingest: Ingest) -> None:
        self._deepening = Deepening(ingest)
        self._done_at: datetime | None = None

    def step(self, now: datetime) -> bool:
        if not is_due(self._done_at, DEEPEN_EVERY, now):
            return False
        is_busy = self._deepening.read_some()
        self._done_at = None if is_busy else now
        return is_busy
