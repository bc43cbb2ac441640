"""The archive, once for each thread that answers requests: a connection is used by one thread at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from archiver.app import Archive


class Archives(AbstractContextManager["Archives"]):
    """Opens an archive in each thread that asks for it, and closes them all at the end."""

    def __init__(self, make: Callable[[], Archive]) -> None:
        self._make = make
        self._local = threading.local()
        self._opened: list[Archive] = []
        self._lock = threading.Lock()

    def here(self) -> Archive:
        """The archive of this thread."""
        archive: Archive | None = getattr(self._local, "archive", None)
        if archive is None:
            archive = self._local.archive = self._make()
            with self._lock:
                self._opened.append(archive)
        return archive

    def __exit__(self, *_: object) -> None:
        with self._lock:
            for archive in self._opened:
                archive.close()
            self._opened.clear()
