"""Counts what arrived for one window, and decides whether that is proven to be all of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from archiver.errors import BadAnswer, Unproven
from archiver.model import Page, Window


@dataclass(slots=True)
class WindowTally:
    """The conversations received for one window so far.

    `fault` is why it is not proven complete; `asked_at`, when the request was made. `new` counts the vault entries
    made, `announced` is LivePerson's count. `is_unreadable`: a response could not be read. `is_reordered`: nothing is
    wrong but the order of the rows.
    """

    fault: str | None = None
    asked_at: datetime | None = None
    ids: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)
    new: int = 0
    announced: int = 0
    is_unreadable: bool = False
    is_reordered: bool = False

    def count(self, page: Page, window: Window) -> None:
        """Adds a page of the window."""
        self.ids.update(conversation.id for conversation in page.conversations)
        self.inside.update(item.id for item in page.conversations if item.started_at and item.started_at in window)
        self.announced = max(page.total, 0)

    def add(self, part: WindowTally) -> None:
        """Adds the tally of a part of the window."""
        self.ids |= part.ids
        self.inside |= part.inside
        self.new += part.new
        self.is_unreadable = self.is_unreadable or part.is_unreadable
        self.is_reordered = self.is_reordered and (part.fault is None or part.is_reordered)

    def until_fault(self, pages: Iterator[Page]) -> Iterator[Page]:
        """The pages up to the first fault, which is recorded in the tally."""
        try:
            yield from pages
        except (BadAnswer, Unproven) as error:
            self.fault, self.is_unreadable = error.message, isinstance(error, BadAnswer)
            self.is_reordered = isinstance(error, Unproven) and error.is_reordered


def digest(ids: Iterable[str]) -> str:
    """SHA-256 of the sorted ids, one per line, in hexadecimal: identifies the content of a window."""
    return hashlib.sha256("\n".join(sorted(ids)).encode("utf-8", "surrogatepass")).hexdigest()


class RepeatedReads:
    """Several readings of one window whose rows come in another order each time, as when many start at one moment.

    Together they are complete if each announced the same count and together they contain exactly that many ids: a row
    that disappeared or was added in between would make one too many.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._inside: set[str] = set()
        self._announced: set[int] = set()
        self._is_sound = True

    def settles(self, tally: WindowTally) -> bool:
        """Adds a reading. If the window is complete with it, the tally becomes that of all readings together."""
        self._ids |= tally.ids
        self._inside |= tally.inside
        self._announced.add(tally.announced)
        self._is_sound = self._is_sound and tally.is_reordered
        is_whole = self._is_sound and len(self._announced) == 1 and len(self._ids) == tally.announced
        if is_whole:
            tally.ids, tally.inside, tally.fault = self._ids, self._inside, None
        return is_whole
