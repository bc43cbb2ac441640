"""Whether the pages of one query are proven to be all of its result. Pure."""

from __future__ import annotations

from archiver.errors import counted
from archiver.received import Page


class PageCheck:
    """Checks the pages of one query.

    LivePerson has neither snapshots nor cursors, so the count that every page announces must equal the count received.
    With `anchor` rows, each page begins with the last rows of the page before it. If they differ, rows were added or
    removed between the two requests, and one may have been missed.
    """

    def __init__(self, anchor: int = 0) -> None:
        self._anchor = anchor
        self._tail: list[str] | None = None
        self._moved = False
        self._ids: set[str] = set()
        self._unreadable = 0
        self._totals: list[int] = []
        self._is_complete = True

    def add(self, page: Page) -> bool:
        """Adds a page; whether it contained anything new."""
        ids = [conversation.id for conversation in page.conversations]
        if self._tail is not None and ids[: len(self._tail)] != self._tail:
            self._moved = True
        self._tail = ids[-self._anchor :] if self._anchor else None
        before = len(self._ids)
        self._ids.update(ids)
        self._unreadable += len(page.unreadable)
        self._totals.append(page.total)
        self._is_complete = self._is_complete and page.is_complete
        return len(self._ids) > before

    def add_count(self, total: int) -> None:
        """Adds the count that is announced once more after the last page."""
        self._totals.append(total)

    def next_offset(self, offset: int, page: Page) -> int:
        """Offset of the next page."""
        return offset + self._step(page)

    def _step(self, page: Page) -> int:
        return max(len(page) - self._anchor, 1)

    def expected_offsets(self, offset: int, page: Page) -> range:
        """The offsets of the pages from `offset` on, if they are as long as the page before it and the count stays."""
        return range(offset, max(page.total - self._anchor, offset), self._step(page))

    def is_endless(self, offset: int) -> bool:
        """Whether the announced count grows faster than the pages that are read."""
        return self._totals[0] >= 0 and offset > 2 * self._totals[0] + 1_000

    def fault(self, *, needs_count: bool) -> str | None:
        """Why the pages are not proven complete; None if they are."""
        if not self._is_complete:
            return "LivePerson answered with part of its data only (partialResult)"
        if self._unreadable:
            return f"{counted(self._unreadable, 'record')} could not be read (archiver quarantine)"
        if max(self._totals) < 0:
            return "LivePerson announced no count, so nothing proves that this is all" if needs_count else None
        return self._count_fault()

    def is_reordered(self) -> bool:
        """Whether nothing is wrong but the order of the rows, or that some came twice and others not."""
        is_sound = self._is_complete and not self._unreadable and len(set(self._totals)) == 1
        return is_sound and len(self._ids) <= self._totals[0]

    def _count_fault(self) -> str | None:
        if len(set(self._totals)) > 1:
            return f"the announced count moved while reading: {self._totals[0]} .. {self._totals[-1]}"
        if len(self._ids) != self._totals[-1]:
            return f"LivePerson announced {counted(self._totals[-1], 'conversation')} and gave {len(self._ids):,}"
        if self._moved:
            return "the rows moved while reading: two neighbouring pages do not meet"
        return None
