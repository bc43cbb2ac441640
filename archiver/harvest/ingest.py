"""From LivePerson into the archive: each page is completed over the network, then kept in one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from archiver.archive import ArchiveFile, Run, WindowReading
from archiver.harvest.source import Source
from archiver.logs import EventLogger
from archiver.model import Conversation, Page
from archiver.progress import Progress

_log = EventLogger("harvest")


@dataclass(frozen=True, slots=True)
class CompletedPage:
    """A page whose records are as complete as LivePerson returns them; `unread_changes` are the ids of changed
    conversations that it did not return in full.
    """

    page: Page
    unread_changes: frozenset[str] = frozenset()


class Ingest:
    """The one way into the archive. `new` counts the vault entries made.

    `clock` gives LivePerson's time: every time in the archive is one of LivePerson's. `steady` is a clock that never
    jumps, for waiting only; by default the same one.
    """

    def __init__(
        self, source: Source, archive: ArchiveFile, *, clock: Callable[[], datetime], progress: Progress,
        steady: Callable[[], datetime] | None = None,
    ) -> None:  # fmt: skip
        self.source = source
        self.archive = archive
        self.clock = clock
        self.steady = steady or clock
        self.progress = progress
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

    def complete(self, page: Page) -> CompletedPage:
        """A page of a search, in which records that are truncated or have changed are replaced by what the look-up by
        their ids returns.
        """
        cut_short = [conversation for conversation in page.conversations if conversation.is_partial]
        changed = [item for item in self.archive.vault.changed(page.conversations) if not item.is_partial]
        wanted = [*cut_short, *changed]
        given, _ = self.source.in_full(wanted)
        full = {item.id: item for item, original in zip(given, wanted, strict=True) if item is not original}
        conversations = tuple(full.get(conversation.id, conversation) for conversation in page.conversations)
        unread = frozenset(item.id for item in changed if item.id not in full)
        return CompletedPage(replace(page, conversations=conversations), unread)

    def keep(
        self, completed: CompletedPage, *, readings: Sequence[WindowReading] = (), run: Run | None = None
    ) -> int:  # fmt: skip
        """Keeps a page, and records the windows that it completes. Returns how many entries were made."""
        now, page = self.clock(), completed.page
        new = self.archive.keep(
            page.conversations, page.unreadable, now, unread_changes=completed.unread_changes, readings=readings,
            run=run,
        )  # fmt: skip
        self.new += new
        self._unreadable.update(hashlib.sha256(item.raw).digest() for item in page.unreadable)
        _log.debug("page.kept", f"{len(page)} records kept, {new} new", records=len(page), new=new)
        return new

    def keep_as_given(self, page: Page, conversations: Sequence[Conversation]) -> int:
        """Keeps a page of a look-up with these conversations unchanged. Returns how many entries were made."""
        return self.keep(CompletedPage(replace(page, conversations=tuple(conversations))))
