"""Counts what arrived for one window, and decides whether that is proven to be all of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime

from archiver.errors import BadAnswer, Unproven, counted
from archiver.harvest.ingest import CompletedPage
from archiver.model import Window
from archiver.received import Page

_NAMED = 5  # ids in a reason


@dataclass(slots=True)
class WindowTally:
    """The conversations received for one window so far.

    `fault` is why it is not proven complete, though another reading may prove it; `reason`, what was recorded as why it
    is not proven; `asked_at`, when the request was made. `new` counts the vault entries made, `announced` is
    LivePerson's count. `starts` says when each conversation started. Of those inside, `cut` are the ones whose records
    were returned truncated only, and `missing` the ones without a readable record. `is_unreadable`: a response could
    not be read. `is_reordered`: nothing is wrong but the order of the rows.
    """

    fault: str | None = None
    reason: str | None = None
    asked_at: datetime | None = None
    ids: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)
    starts: dict[str, datetime] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    new: int = 0
    announced: int = 0
    is_unreadable: bool = False
    is_reordered: bool = False

    def count(self, page: CompletedPage, window: Window) -> None:
        """Adds a page of the window."""
        self.ids.update(item.id for item in page.listed)
        self.starts.update((item.id, item.started_at) for item in page.listed if item.started_at)
        inside = {item.id for item in page.listed if item.started_at and item.started_at in window}
        of_window = inside | {item.id for item in page.listed if not item.started_at}
        cut = {item.id for item in page.records if item.is_partial and item.id in of_window}
        self.add_inside(inside, cut, page.missing & of_window)
        self.announced = max(page.announced, 0)

    def add(self, part: WindowTally) -> None:
        """Adds the tally of a part of the window."""
        self.ids |= part.ids
        self.starts |= part.starts
        self.add_inside(part.inside, part.cut, part.missing)
        self.new += part.new
        self.is_unreadable = self.is_unreadable or part.is_unreadable
        self.is_reordered = self.is_reordered and (part.fault is None or part.is_reordered)

    def add_inside(self, inside: set[str], cut: Set[str], missing: Set[str]) -> None:
        """Adds ids of conversations inside the window, some of them truncated or without a record. What comes whole
        later is neither.
        """
        self.inside |= inside
        self.cut = (self.cut - inside) | cut
        self.missing = (self.missing - inside) | missing

    def started_in(self, span: Window) -> set[str]:
        """The conversations received that started in a span."""
        return {id_ for id_, start in self.starts.items() if start in span}

    def record_fault(self) -> str | None:
        """The conversations whose records are missing or truncated, in words; None if there are none."""
        if self.missing:
            records = counted(len(self.missing), "readable record")
            return f"LivePerson listed conversations and returned {records} less: {named(self.missing)}"
        if self.cut:
            records = counted(len(self.cut), "record")
            return f"LivePerson returned {records} truncated only (isPartial): {named(self.cut)}"
        return None

    def until_fault(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages up to the first fault, which is recorded in the tally."""
        try:
            yield from pages
        except (BadAnswer, Unproven) as error:
            self.fault, self.is_unreadable = error.message, isinstance(error, BadAnswer)
            self.is_reordered = isinstance(error, Unproven) and error.is_reordered


def named(ids: Collection[str]) -> str:
    """The first of these ids, for people, and how many there are besides."""
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(sorted(ids)[:_NAMED]) + more


def digest(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, one per line, in hexadecimal: identifies the content of a window."""
    return hashlib.sha256("\n".join(sorted(ids)).encode("utf-8", "surrogatepass")).hexdigest()


class RepeatedReads:
    """Several readings of one window whose rows come in another order each time, as when many start at one moment.

    Together they are complete if each announced the same count and together they contain exactly that many ids: a row
    that disappeared or was added in between would make one too many.
    """

    def __init__(self) -> None:
        self._all = WindowTally(is_reordered=True)
        self._announced: set[int] = set()

    def settles(self, tally: WindowTally) -> bool:
        """Adds a reading. If the window is complete with it, the tally becomes that of all readings together."""
        together = self._all
        together.ids |= tally.ids
        together.add_inside(tally.inside, tally.cut, tally.missing)
        self._announced.add(tally.announced)
        together.is_reordered &= tally.is_reordered
        is_whole = together.is_reordered and len(self._announced) == 1 and len(together.ids) == tally.announced
        if is_whole:
            tally.ids, tally.inside, tally.fault = together.ids, together.inside, None
            tally.cut, tally.missing = together.cut, together.missing
        return is_whole
