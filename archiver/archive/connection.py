"""Connections to the archive's SQLite file, and what SQLite's and the disk's errors mean for the user."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from archiver.errors import ArchiveBusy, ArchiveError

T = TypeVar("T")

FILE = "archive.sqlite3"
BUSY_S = 30.0

_CHECK = "Check the disk and the folder's permissions."
_FULL = "The disk is full. Free some space and run the same command again; nothing that was kept is lost."
_READ_ONLY = "The disk or folder is read-only for this user. Correct that and run the same command again."
_BUSY = "Another process is writing to it. Run the same command again later."
_DAMAGED = "The file is damaged or is no archive. Restore it from a backup; do not harvest into it."
# By SQLite's result codes (SQLite, Result and Error Codes); an extended code begins with the name of its primary one.
_HINTS = {
    "SQLITE_FULL": _FULL, "SQLITE_READONLY": _READ_ONLY, "SQLITE_PERM": _READ_ONLY, "SQLITE_CANTOPEN": _READ_ONLY,
    "SQLITE_BUSY": _BUSY, "SQLITE_LOCKED": _BUSY, "SQLITE_CORRUPT": _DAMAGED, "SQLITE_NOTADB": _DAMAGED,
}  # fmt: skip
_FOREIGN = (sqlite3.DatabaseError, OSError, UnicodeDecodeError)
_HINTS_BY_ERRNO = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EROFS: _READ_ONLY, errno.EACCES: _READ_ONLY}


class _Cursor(sqlite3.Cursor):
    """Raises this program's errors, also while rows are read."""

    connection: Connection

    def execute(self, *args: Any) -> _Cursor:
        return self._ours(super().execute, *args)

    def executemany(self, *args: Any) -> _Cursor:
        return self._ours(super().executemany, *args)

    def fetchone(self) -> Any:
        return self._ours(super().fetchone)

    def fetchall(self) -> list[Any]:
        return self._ours(super().fetchall)

    def __next__(self) -> Any:
        return self._ours(super().__next__)

    def _ours(self, call: Callable[..., T], *args: Any) -> T:
        try:
            return call(*args)
        except _FOREIGN as error:
            raise archive_error(error, self.connection.folder) from error


class Connection(sqlite3.Connection):
    """A connection whose errors are ArchiveError and ArchiveBusy."""

    folder: Path

    def execute(self, *args: Any) -> _Cursor:
        return self._new_cursor().execute(*args)

    def executemany(self, *args: Any) -> _Cursor:
        return self._new_cursor().executemany(*args)

    def _new_cursor(self) -> _Cursor:
        try:
            return self.cursor(_Cursor)
        except sqlite3.ProgrammingError as error:  # it is closed
            raise archive_error(error, self.folder) from error


def connect(path: Path) -> Connection:
    """A connection whose transactions are durable and whose deleted text is overwritten. Raises ArchiveError."""
    with foreign_errors(path.parent):
        connection = sqlite3.connect(
            path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, factory=Connection
        )
    connection.folder = path.parent
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def foreign_errors(folder: Path) -> Iterator[None]:
    """Turns errors of SQLite and the disk into ArchiveError or ArchiveBusy."""
    try:
        yield
    except _FOREIGN as error:
        raise archive_error(error, folder) from error


def archive_error(error: Exception, folder: Path) -> ArchiveError:
    """The error of this program for one of SQLite or the disk."""
    if isinstance(error, sqlite3.DatabaseError):
        name = getattr(error, "sqlite_errorname", None) or ""  # errors of the sqlite3 module itself have none
        hint = next((hint for code, hint in _HINTS.items() if name.startswith(code)), _CHECK)
    elif isinstance(error, OSError):
        hint = _HINTS_BY_ERRNO.get(error.errno or 0, _CHECK)
    else:  # SQLite's words may be damaged with the file
        hint = _DAMAGED
    kind = ArchiveBusy if hint is _BUSY else ArchiveError
    return kind(f"the archive {folder} cannot be used: {error}", hint=hint)
