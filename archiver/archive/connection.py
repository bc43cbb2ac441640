"""Connections to the archive's SQLite file, and what SQLite's and the disk's errors mean for the user."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver.errors import ArchiveBusy, ArchiveError, ArchiverError

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
_HINTS_BY_ERRNO = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EROFS: _READ_ONLY, errno.EACCES: _READ_ONLY}


def connect(path: Path) -> sqlite3.Connection:
    """A connection whose transactions are durable and whose deleted text is overwritten."""
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def foreign_errors(folder: Path) -> Iterator[None]:
    """Turns errors of SQLite and the disk into ArchiveError or ArchiveBusy."""
    try:
        yield
    except ArchiverError:
        raise
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", None) or ""  # errors of the sqlite3 module itself have none
        hint = next((hint for code, hint in _HINTS.items() if name.startswith(code)), _CHECK)
        kind = ArchiveBusy if hint is _BUSY else ArchiveError
        raise kind(f"the archive {folder} cannot be used: {error}", hint=hint) from error
    except UnicodeDecodeError as error:  # SQLite's words may be damaged with the file
        raise ArchiveError(f"the archive {folder} cannot be used: {error}", hint=_DAMAGED) from error
    except OSError as error:
        hint = _HINTS_BY_ERRNO.get(error.errno or 0, _CHECK)
        raise ArchiveError(f"the archive {folder} cannot be used: {error}", hint=hint) from error
