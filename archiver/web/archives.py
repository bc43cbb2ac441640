"""The archive, once for each thread that answers requests: a connection is used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from archiver.app import Archive
from archiver.archive import identity_of
from archiver.errors import ArchiverError
from archiver.index import PATIENCE_S, RecentReadings

_RECENT_MESSAGES = 20_000  # of conversations that were read lately, about 40 MB
_PATIENCE_S = 0.5  # in which another process may end writing the index


class _Opened:
    """An archive, and which file it was opened from."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.identity = identity_of(archive.settings.archive)


class Archives(AbstractContextManager["Archives"]):
    """Opens an archive in each thread that asks for it, and closes them all at the end. One that was removed, or
    replaced by another, is not shown any more. While this process harvests, its own thread brings the index up to date,
    and no page waits for it.
    """

    def __init__(self, make: Callable[[], Archive], *, is_harvesting: bool) -> None:
        self._make, self._is_harvesting = make, is_harvesting
        self._local = threading.local()
        self._all: list[_Opened] = []
        self._recent = RecentReadings(_RECENT_MESSAGES)
        self._lock, self._indexing = threading.Lock(), threading.Lock()
        self._indexer: _Opened | None = None

    def here(self, *, is_reading: bool = True) -> Archive:
        """The archive of this thread, for somebody who only reads, or for a change, which waits longer for a complete
        index. While this process harvests, neither writes the index, which only one thread can.
        """
        self._local.opened = self._present(getattr(self._local, "opened", None))
        archive: Archive = self._local.opened.archive
        archive.is_index_written_elsewhere = self._is_harvesting
        patience_s = 0.0 if self._is_harvesting else _PATIENCE_S
        archive.index_patience_s = patience_s if is_reading else PATIENCE_S
        return archive

    def open_here(self) -> None:
        """Opens the archive's file and an index beside it for this thread, if there is one. The first answer tells what
        is wrong with them.
        """
        archive = self.here()
        with suppress(ArchiverError):
            if archive.exists and archive.file and archive.settings.store.url is None:
                archive.store.count()

    def bring_up_to_date(self) -> None:
        """Adds to the index what it lacks, one thread at a time and always by the same connection, which may write it.
        What can't be done is told by the search that follows.
        """
        if self._is_harvesting:
            return
        with self._indexing:
            self._indexer = self._present(self._indexer)
            self._indexer.archive.index_patience_s = _PATIENCE_S
            with suppress(ArchiverError):
                if not self._indexer.archive.is_index_ready():
                    self._indexer.archive.search("", limit=0)

    def _present(self, opened: _Opened | None) -> _Opened:
        """What was opened, or the file that is there now."""
        if opened is not None and opened.identity == identity_of(opened.archive.settings.archive):
            return opened
        made = _Opened(self._make())
        made.archive.recent = self._recent
        with self._lock:
            self._all.append(made)
            if opened is not None:
                self._all.remove(opened)
        if opened is not None:
            opened.archive.close()
        return made

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for opened in self._all:
                opened.archive.close()
            self._all.clear()
