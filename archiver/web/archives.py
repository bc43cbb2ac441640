"""The archive, once for each thread that answers requests: a connection is used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from archiver.app import Archive
from archiver.archive import identity_of
from archiver.errors import ArchiverError


class _Opened:
    """An archive, and which file it was opened from."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.identity = identity_of(archive.settings.archive)


class Archives(AbstractContextManager["Archives"]):
    """Opens an archive in each thread that asks for it, and closes them all at the end. One that was removed, or
    replaced by another, is not shown any more.
    """

    def __init__(self, make: Callable[[], Archive]) -> None:
        self._make = make
        self._local = threading.local()
        self._all: list[_Opened] = []
        self._lock, self._indexing = threading.Lock(), threading.Lock()
        self._indexer: _Opened | None = None

    def here(self) -> Archive:
        """The archive of this thread."""
        self._local.opened = self._present(getattr(self._local, "opened", None))
        archive: Archive = self._local.opened.archive
        return archive

    def bring_up_to_date(self) -> None:
        """Adds to the index what it lacks, one thread at a time and always by the same connection, which may write it.
        What can't be done is told by the search that follows.
        """
        with self._indexing:
            self._indexer = self._present(self._indexer)
            with suppress(ArchiverError):
                if not self._indexer.archive.is_index_ready():
                    self._indexer.archive.search("", limit=0)

    def _present(self, opened: _Opened | None) -> _Opened:
        """What was opened, or the file that is there now."""
        if opened is not None and opened.identity == identity_of(opened.archive.settings.archive):
            return opened
        made = _Opened(self._make())
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
