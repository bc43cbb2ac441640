"""Makes the archive's file as small as the newest format allows. What it holds stays the same."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from archiver.archive import dictionary
from archiver.archive.recompression import SAMPLE, Recompression
from archiver.archive.tables import PAGE_BYTES, VERSION
from archiver.errors import ArchiveBusy, ArchiveError
from archiver.progress import Progress
from archiver.value import Value

_WORTH_IT = 0.05  # of the file, that must be unused before it is written anew
_END_IT = "End what has the archive open, and run the same command again."
_IN_USE = "all records are compressed; the file keeps its size, because another process has the archive open"


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
        disk. May be interrupted at any time and repeated. `on_batch` is called about once a second; what it raises ends
        the work. Raises ArchiveError, also if the disk has too little room to write the file anew.
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
        """Writes the file anew if its bodies are smaller, its pages are of another size, or many are unused."""
        pages, unused, size = (self._number(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size"))
        if is_smaller or size != PAGE_BYTES or unused > pages * _WORTH_IT:
            self._check_room((2 * pages - unused) * size)  # a copy of what is used, and the journal of all
            self._write_anew()

    def _write_anew(self) -> None:
        """SQLite changes the size of pages only with a journal instead of the log (PRAGMA page_size), and needs the
        file for itself then.
        """
        try:
            self._connection.execute("PRAGMA journal_mode = DELETE")
        except ArchiveBusy as error:
            raise error.reworded(message=_IN_USE, hint=_END_IT) from error
        try:
            self._connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            self._connection.execute("VACUUM")
        finally:
            self._connection.execute("PRAGMA journal_mode = WAL")

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
