"""What a harvest needs of LivePerson."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from archiver.liveperson import Status
from archiver.model import Window
from archiver.received import Page


class Source(Protocol):
    """LivePerson's time, search and look-ups, as `archiver.liveperson.Client` offers them."""

    def ask_time(self) -> datetime | None: ...

    @property
    def skew(self) -> timedelta | None: ...

    def time_fault(self) -> str | None: ...

    def pages(
        self, span: Window, *, statuses: Sequence[Status] = (), skill_ids: Sequence[int] = (), is_light: bool = False
    ) -> Iterator[Page]: ...

    def count(self, span: Window) -> int: ...

    def updated(self, span: Window, since: datetime, *, is_light: bool = False) -> Iterator[Page]: ...

    def by_ids(self, ids: Sequence[str], *, is_brief: bool = False) -> Iterator[Page]: ...

    def by_consumer(self, consumer: str) -> Iterator[Page]: ...
