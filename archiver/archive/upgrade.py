"""Makes the archive's file as small as the newest format allows. What it holds stays the same."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from archiver.archive import dictionary
from archiver.archive.connection import empty_log
from archiver.archive.recompression import SAMPLE, Recompression
from archiver.archive.tables import VERSION
from archiver.errors import ArchiveError
from archiver.progress import Progress
from archiver.value import Value

_WORTH_IT = 0.05  # of the file, that must be unused before it is written anew


class Upgraded(Value):
    """What an upgrade did. `compressed`: bodies that are stored in a smaller form now. `is_trained`: the archive has a
    dictionary, for which it needs `least_records` records.
    """

    format: int
    compressed: int
    is_trained: bool
    least_records: int
    bytes_before: int
    bytes_after: int


class Upgrade:
    """`transaction` makes what is written within it one transaction of the archive."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, recompression: Recompression,
        transaction: Callable[[], AbstractContextManager[None]],
    ) -> None:  # fmt: skip
        self._connection, self._path = connection, path
        self._recompression, self._transaction = recompression, transaction

    def run(self, progress: Progress, *, on_batch: Callable[[], None]) -> Upgraded:
        """Trains the dictionary if there is none, compresses every body with it, and gives what is saved back to the
        disk. May be interrupted at any time and repeated. `on_batch` is called before each batch of bodies; what it
        raises ends the work. Raises ArchiveError, also if the disk has too little room to write the file anew.
        """
        before = self._path.stat().st_size
        with self._transaction():
            self._recompression.train()
        is_trained = dictionary.read(self._connection) is not None
        compressed = self._compress(progress, on_batch) if is_trained else 0
        on_batch()
        self._shrink(is_smaller=compressed > 0)
        return Upgraded(VERSION, compressed, is_trained, SAMPLE, before, self._path.stat().st_size)

    def _compress(self, progress: Progress, on_batch: Callable[[], None]) -> int:
        compressed, seq, is_last = 0, 0, False
        progress.start("compress", self._number("SELECT count(*) FROM bodies"), "entries")
        try:
            while not is_last:
                on_batch()
                with self._transaction():
                    batch = self._recompression.compress_after(seq)
                compressed, seq, is_last = compressed + batch.compressed, batch.last, batch.looked_at == 0
                progress.advance(batch.looked_at)
        finally:
            progress.finish()
        return compressed

    def _shrink(self, *, is_smaller: bool) -> None:
        """Writes the file anew if its bodies are smaller, or many of its pages unused. Readers may go on meanwhile."""
        pages, unused, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        if is_smaller or unused > pages * _WORTH_IT:
            self._check_room(2 * (pages - unused) * size)  # a copy, and the log that it goes through
            with _temporary_files_in(self._path.parent):
                self._connection.execute("VACUUM")
        empty_log(self._connection)

    def _check_room(self, needed: int) -> None:
        free = shutil.disk_usage(self._path.parent).free
        if free < needed:
            raise ArchiveError(
                f"all records are compressed; the file keeps its size, because writing it anew needs"
                f" {needed // 1_000_000 + 1:,} MB on the disk and {free // 1_000_000:,} MB are free",
                hint="Free some space and run the same command again.",
            )

    def _number(self, query: str) -> int:
        (number,) = self._connection.execute(query).fetchone()
        return int(number)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """SQLite writes its copy here, and not on another disk, which may be small or not encrypted (SQLite, Temporary
    Files Used By SQLite).
    """
    before = os.environ.get("SQLITE_TMPDIR")
    os.environ["SQLITE_TMPDIR"] = str(folder.absolute())
    try:
        yield
    finally:
        os.environ.pop("SQLITE_TMPDIR")
        if before is not None:
            os.environ["SQLITE_TMPDIR"] = before
