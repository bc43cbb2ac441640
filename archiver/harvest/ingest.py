"""From LivePerson into the archive: each page is completed over the network, then kept in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from archiver.archive import ArchiveFile, Run, WindowReading
from archiver.harvest.source import Source
from archiver.logs import EventLogger
from archiver.model import Conversation, Page
from archiver.progress import Progress

_log = EventLogger("harvest")


@dataclass(frozen=True, slots=True)
class _CompletedPage:
    """A page's conversations as completely as LivePerson returns them, and the ids of changed ones it left out."""

    conversations: list[Conversation]
    unread_changes: frozenset[str]


class Ingest:
    """The one way into the archive. `new` counts the vault entries made, `quarantined` the unreadable records."""

    def __init__(
        self, source: Source, archive: ArchiveFile, *, clock: Callable[[], datetime], progress: Progress
    ) -> None:
        self.source = source
        self.archive = archive
        self.clock = clock
        self.progress = progress
        self.new = 0
        self.quarantined = 0

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Within the context this process is the archive's one harvester. Raises Locked if another one is at work."""
        self.archive.acquire_lease(self.clock())
        try:
            yield
        finally:
            self.progress.finish()
            self.archive.release_lease()

    def keep(self, page: Page, *, readings: Sequence[WindowReading] = (), run: Run | None = None) -> int:
        """Keeps a page of a search, and records the windows that it completes. Returns how many entries were made.

        Records that the search truncated or that have changed are looked up by their ids first.
        """
        completed = self._completed(page)
        return self._keep(page, completed.conversations, completed.unread_changes, readings, run)

    def keep_as_given(self, page: Page, conversations: Sequence[Conversation]) -> int:
        """Keeps a page of a look-up with these conversations unchanged. Returns how many entries were made."""
        return self._keep(page, conversations, frozenset(), (), None)

    def _keep(
        self, page: Page, conversations: Sequence[Conversation], unread_changes: frozenset[str],
        readings: Sequence[WindowReading], run: Run | None,
    ) -> int:  # fmt: skip
        now = self.clock()
        new = self.archive.keep(
            conversations, page.unreadable, now, unread_changes=unread_changes, readings=readings, run=run
        )
        self.new += new
        self.quarantined += len(page.unreadable)
        _log.debug("page.kept", f"{len(page)} records kept, {new} new", records=len(page), new=new)
        return new

    def _completed(self, page: Page) -> _CompletedPage:
        cut_short = [conversation for conversation in page.conversations if conversation.is_partial]
        changed = [item for item in self.archive.vault.changed(page.conversations) if not item.is_partial]
        wanted = [*cut_short, *changed]
        given, _ = self.source.in_full(wanted)
        full = {item.id: item for item, original in zip(given, wanted, strict=True) if item is not original}
        return _CompletedPage(
            [full.get(conversation.id, conversation) for conversation in page.conversations],
            frozenset(item.id for item in changed if item.id not in full),
        )
