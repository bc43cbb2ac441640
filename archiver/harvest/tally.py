"""Counts what arrived for one window, and decides whether that is proven to be all of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from archiver.errors import BadAnswer, Unproven, counted
from archiver.model import Page, Window

_NAMED = 5  # ids in a reason


@dataclass(slots=True)
class WindowTally:
    """The conversations received for one window so far.

    `fault` is why it is not proven complete, though another reading may prove it; `reason`, what was recorded as why it
    is not proven; `asked_at`, when the request was made. `new` counts the vault entries made, `announced` is
    LivePerson's count. `cut` are the conversations inside whose records were returned truncated only. `is_unreadable`:
    a response could not be read. `is_reordered`: nothing is wrong but the order of the rows.
    """

    fault: str | None = None
    reason: str | None = None
    asked_at: datetime | None = None
    ids: set[str] = field(default_factory=set)
    inside: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)
    new: int = 0
    announced: int = 0
    is_unreadable: bool = False
    is_reordered: bool = False

    def count(self, page: Page, window: Window) -> None:
        """Adds a page of the window."""
        self.ids.update(conversation.id for conversation in page.conversations)
        inside = [item for item in page.conversations if item.started_at and item.started_at in window]
        self.add_inside(
            {item.id for item in inside},
            {item.id for item in page.conversations if item.is_partial and (item in inside or not item.started_at)},
        )
        self.announced = max(page.total, 0)

    def add(self, part: WindowTally) -> None:
        """Adds the tally of a part of the window."""
        self.ids |= part.ids
        self.add_inside(part.inside, part.cut)
        self.new += part.new
        self.is_unreadable = self.is_unreadable or part.is_unreadable
        self.is_reordered = self.is_reordered and (part.fault is None or part.is_reordered)

    def add_inside(self, inside: set[str], cut: set[str]) -> None:
        """Adds ids of conversations inside the window, some of them truncated. What comes whole later is not cut."""
        self.inside |= inside
        self.cut = (self.cut - inside) | cut

    def cut_fault(self) -> str | None:
        """The conversations that were received truncated only, in words; None if there are none."""
        if not self.cut:
            return None
        named = ", ".join(sorted(self.cut)[:_NAMED])
        more = f" and {len(self.cut) - _NAMED} more" if len(self.cut) > _NAMED else ""
        return f"LivePerson returned {counted(len(self.cut), 'record')} truncated only (isPartial): {named}{more}"

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
        self._all = WindowTally(is_reordered=True)
        self._announced: set[int] = set()

    def settles(self, tally: WindowTally) -> bool:
        """Adds a reading. If the window is complete with it, the tally becomes that of all readings together."""
        together = self._all
        together.ids |= tally.ids
        together.add_inside(tally.inside, tally.cut)
        self._announced.add(tally.announced)
        together.is_reordered &= tally.is_reordered
        is_whole = together.is_reordered and len(self._announced) == 1 and len(together.ids) == tally.announced
        if is_whole:
            tally.ids, tally.inside, tally.cut, tally.fault = together.ids, together.inside, together.cut, None
        return is_whole
