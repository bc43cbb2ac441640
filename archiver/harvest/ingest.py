"""From LivePerson into the archive: each page is completed over the network, then kept in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from archiver.archive import ArchiveFile, Run, WindowReading
from archiver.choices import Depth
from archiver.harvest.deep_reader import DeepReader, Found
from archiver.harvest.source import Source
from archiver.logs import EventLogger
from archiver.progress import Progress
from archiver.received import Conversation, Page, Unreadable
from archiver.value import Value

_log = EventLogger("harvest")


class CompletedPage(Value):
    """The conversations that a search listed, with records as complete as LivePerson returns them.

    `unread_changes`: ids of changed ones that were not read by their ids. `missing`: ids of those of which no readable
    record arrived. `announced`: how many the search has in all.
    """

    listed: tuple[Conversation, ...]
    records: tuple[Conversation, ...]
    unreadable: tuple[Unreadable, ...] = ()
    unread_changes: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    announced: int = 0


class LookedUp(Value):
    """A page of a search, what look-ups by id returned of it, and what a search returned of the others."""

    page: Page
    deep: Found
    searched: Found


class Ingest:
    """The one way into the archive. `new` counts the vault entries made.

    `clock` gives LivePerson's time: every time in the archive is one of LivePerson's. `steady` is a clock that never
    jumps, for waiting only; by default the same one. `depth` says whether conversations are read by their ids.
    """

    def __init__(
        self, source: Source, archive: ArchiveFile, *, clock: Callable[[], datetime], progress: Progress,
        steady: Callable[[], datetime] | None = None, depth: Depth = Depth.FULL,
    ) -> None:  # fmt: skip
        self.source = source
        self.archive = archive
        self.clock = clock
        self.steady = steady or clock
        self.progress = progress
        self._depth = depth
        self._deep = DeepReader(source)
        self.new = 0
        self._unreadable: set[bytes] = set()

    @property
    def quarantined(self) -> int:
        """How many different records could not be read."""
        return len(self._unreadable)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within the context this process is the archive's one harvester. Raises Locked if another one is at work."""
        self.archive.acquire_lease(self.clock())
        try:
            yield
        finally:
            self.progress.finish()
            self.archive.release_lease()

    def heal(self) -> None:
        """Withdraws what was recorded by a clock that was wrong, and notes how far this machine's clock is off now, if
        LivePerson's time is known.
        """
        skew = self.source.skew
        if skew is None:
            return
        now = self.clock()
        self.archive.note_clock(now, skew)
        for what in self.archive.heal(now):
            _log.warning("clock.healed", what)

    @property
    def is_deep(self) -> bool:
        """Whether conversations are read by their ids."""
        return self._depth is Depth.FULL

    @property
    def wants_light(self) -> bool:
        """Whether a search only needs to list conversations, because they are then read by their ids."""
        return self.is_deep and not self._deep.is_paused(self.steady())

    def look_up(self, page: Page) -> Page | LookedUp:
        """A page of a search with what look-ups by id return; the page as it is if the archive says what to look up.
        Does not use the archive, so that other threads may do it. Raises SourceError.
        """
        return self._look_up(page, self._wanted(page)) if self.is_deep else page

    def _look_up(self, page: Page, ids: Sequence[str]) -> LookedUp:
        self.archive.give_way()
        deep = self._deep.by_ids(ids, self.steady())
        lacking = {item.id: item for item in page.conversations if item.id not in deep.records}
        searched = self._deep.by_search(lacking.values()) if page.is_light else Found(lacking)
        return LookedUp(page, deep, searched)

    def complete(self, page: Page | LookedUp) -> CompletedPage:
        """A page of a search with records that were read by their ids. Those that a look-up does not return stay as a
        search returns them. Raises SourceError.
        """
        looked_up = self._look_up(page, self._wanted(page)) if isinstance(page, Page) else page
        page, deep, searched = looked_up.page, looked_up.deep, looked_up.searched
        listed = {item.id for item in page.conversations}
        shallow = [item for id_, item in searched.records.items() if id_ in listed and id_ not in deep.records]
        records = deep.records | {item.id: item for item in shallow}
        changed = self.archive.vault.changed(item for item in shallow if not item.is_partial)
        return CompletedPage(
            listed=tuple(page.conversations), records=tuple(records.values()),
            unreadable=(*page.unreadable, *deep.unreadable, *searched.unreadable),
            unread_changes=frozenset(item.id for item in changed), missing=frozenset(listed - records.keys()),
            announced=page.total,
        )  # fmt: skip

    def _wanted(self, page: Page) -> list[str]:
        """What is looked up of a page; in a harvest by searches those that are truncated or have changed, which only a
        look-up by id shows whole.
        """
        if self.is_deep:
            return [item.id for item in page.conversations]
        changed = {item.id for item in self.archive.vault.changed(page.conversations)}
        return [item.id for item in page.conversations if item.is_partial or item.id in changed]

    def keep(
        self, completed: CompletedPage, *, readings: Sequence[WindowReading] = (), run: Run | None = None
    ) -> int:  # fmt: skip
        """Keeps a page, and records the windows that it completes. Returns how many entries were made."""
        now, count = self.clock(), len(completed.records)
        new = self.archive.keep(
            completed.records, completed.unreadable, now, unread_changes=completed.unread_changes, readings=readings,
            run=run,
        )  # fmt: skip
        self.new += new
        self._unreadable.update(hashlib.sha256(item.raw).digest() for item in completed.unreadable)
        _log.debug("page.kept", f"{count} records kept, {new} new", records=count, new=new)
        return new

    def keep_page(self, page: Page) -> int:
        """Keeps the records of a page as they are. Returns how many entries were made."""
        return self.keep(CompletedPage(page.conversations, page.conversations, page.unreadable))
