"""From LivePerson into the archive: each page in one transaction, completed by look-ups, while no one else harvests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from archiver.archive import Archive
from archiver.liveperson import Status
from archiver.model import Conversation, Page, Window
from archiver.progress import Progress

Also = Callable[[int, datetime], None]


class Source(Protocol):
    """What a harvest asks: LivePerson's search and look-up by id (`archiver.liveperson.api.Client`)."""

    def pages(
        self, span: Window, *, statuses: Sequence[Status] = (), skill_ids: Sequence[int] = ()
    ) -> Iterator[Page]: ...

    def count(self, span: Window) -> int: ...

    def updated(self, span: Window, since: datetime) -> Iterator[Page]: ...

    def by_ids(self, ids: Sequence[str], *, is_brief: bool = False) -> Iterator[Page]: ...

    def in_full(self, conversations: Sequence[Conversation]) -> tuple[list[Conversation], str | None]: ...


class Ingest:
    """Where all that a harvest reads goes in. `new` counts the vault entries made, `aside` what was unreadable."""

    def __init__(self, source: Source, archive: Archive, *, clock: Callable[[], datetime], progress: Progress) -> None:
        self.source = source
        self.archive = archive
        self.clock = clock
        self.progress = progress
        self.new = 0
        self.aside = 0

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this process is the archive's one harvester. Raises Locked if another one is at work."""
        lease = self.archive.lease
        with self.archive.transaction():
            lease.take(self.clock())
        try:
            yield
        finally:
            self.progress.finish()
            with self.archive.transaction():
                lease.release()

    def beat(self) -> None:
        """Says that we are still at work, where nothing else does. Raises Locked if another process took over."""
        with self.archive.transaction():
            self.archive.lease.beat(self.clock())

    def keep(self, page: Page, also: Also | None = None) -> None:
        """One transaction: the page, what is to be watched, and what `also` writes, told what was new and the time."""
        (kept, cut), now = self._deepened(page.conversations), self.clock()
        with self.archive.transaction():
            self.archive.lease.beat(now)
            new = self.archive.keep(kept, page.unreadable, now, cut)
            if also:
                also(new, now)
        self.new += new
        self.aside += len(page.unreadable)

    def _deepened(self, conversations: tuple[Conversation, ...]) -> tuple[list[Conversation], set[str]]:
        """The same conversations; those that the search cut short, or that have changed, by their full records.

        And the ids of those that have changed and of which there is none now.
        """
        partial = [conversation for conversation in conversations if conversation.is_partial]
        changed = [item for item in self.archive.vault.changed(conversations) if not item.is_partial]
        found, _ = self.source.in_full([*partial, *changed])
        full = {item.id: item for item, asked in zip(found, [*partial, *changed], strict=True) if item is not asked}
        kept = [full.get(conversation.id, conversation) for conversation in conversations]
        return kept, {item.id for item in changed} - full.keys()
