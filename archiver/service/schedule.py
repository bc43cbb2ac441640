"""What a lane is, and how often and how far back a continuous harvest reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from archiver import windows
from archiver.model import CELL, Window
from archiver.value import Value

LAG = timedelta(minutes=2)  # records appear up to a minute late


class Lane(Protocol):
    """One kind of work."""

    @property
    def name(self) -> str: ...

    def step(self, now: datetime) -> bool:
        """Does one small piece of what is due; whether anything was. Raises ArchiverError.

        `now` is by a clock that never jumps, and is for waiting only. What is due at LivePerson is told by the ingest's
        clock, which is LivePerson's.
        """
        ...


class Schedule(Value):
    """How often the newest conversations are read, and how far back the harvest goes; None: as far as possible."""

    every: timedelta = timedelta(minutes=5)
    since: datetime | None = None

    def target(self, now: datetime) -> Window:
        """The span that the harvest aims to complete."""
        provable = windows.provable(now)
        start = max(provable.start, self.since or provable.start)
        return Window(min(start, now - LAG - CELL), now)
