"""Connections to the archive's SQLite file, and what SQLite's and the disk's errors mean for the user."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

from archiver.archive.log_file import check_log, has_log, has_shared_memory
from archiver.archive.steering import is_moment
from archiver.errors import ArchiveBusy, ArchiveError
from archiver.private import make_private_file

T = TypeVar("T")

FILE = "archive.sqlite3"
BUSY_S = 30.0

_CHECK = "Check the disk and the folder's permissions."
_FULL = "The disk is full. Free some space and run the same command again; nothing that was kept is lost."
READ_ONLY = "The disk or folder is read-only for this user. Correct that and run the same command again."
_BUSY = "Another process is writing to it. Run the same command again later."
_DAMAGED = "The file is damaged or is no archive. Restore it from a backup; do not harvest into it."
# By SQLite's result codes (SQLite, Result and Error Codes); an extended code begins with the name of its primary one.
_HINTS = {
    "SQLITE_FULL": _FULL, "SQLITE_READONLY": READ_ONLY, "SQLITE_PERM": READ_ONLY, "SQLITE_CANTOPEN": READ_ONLY,
    "SQLITE_BUSY": _BUSY, "SQLITE_LOCKED": _BUSY, "SQLITE_CORRUPT": _DAMAGED, "SQLITE_NOTADB": _DAMAGED,
}  # fmt: skip
_LOG = (
    "Its log holds what was kept last, and can't be read without writing beside it. Copy the whole folder to where you"
    " may write, and name the copy with --archive."
)
_FOREIGN = (sqlite3.DatabaseError, OSError, UnicodeDecodeError, OverflowError)
_HINTS_BY_ERRNO = {errno.ENOSPC: _FULL, errno.EDQUOT: _FULL, errno.EROFS: READ_ONLY, errno.EACCES: READ_ONLY}


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
            result = call(*args)
            if self.connection.unlocked:
                self.connection.unlocked.check()
        except _FOREIGN as error:
            raise archive_error(error, self.connection.folder) from error
        return result


class Connection(sqlite3.Connection):
    """A connection whose errors are ArchiveError and ArchiveBusy."""

    folder: Path
    unlocked: _Unlocked | None = None

    def close(self) -> None:
        with _LISTING:
            _OPEN.discard(self)
        super().close()

    def execute(self, *args: Any) -> _Cursor:
        return self._new_cursor().execute(*args)

    def executemany(self, *args: Any) -> _Cursor:
        return self._new_cursor().executemany(*args)

    def _new_cursor(self) -> _Cursor:
        try:
            return self.cursor(_Cursor)
        except sqlite3.ProgrammingError as error:  # it is closed
            raise archive_error(error, self.folder) from error


_OPEN: WeakSet[Connection] = WeakSet()  # of this process
_OPENING, _LISTING = Lock(), Lock()


def connect(path: Path) -> Connection:
    """A connection whose transactions are durable and whose deleted text is overwritten. The file is made if there is
    none, for its owner only. Raises ArchiveError.
    """
    with foreign_errors(path.parent), _opening(path):
        make_private_file(path)
        connection = _connect(path, "mode=rw")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def connect_read_only(path: Path) -> Connection:
    """A connection to a file that this process may not write. Raises ArchiveError.

    Without a log and without shared memory no process has the file open: then it is read without locks, which need
    writing, and a change by another process is noticed and ends the reading.
    """
    with foreign_errors(path.parent), _opening(path):
        is_quiet = not has_log(path) and not has_shared_memory(path)
        connection = _connect(path, "mode=ro&immutable=1" if is_quiet else "mode=ro")
        connection.unlocked = _Unlocked(path) if is_quiet else None
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except ArchiveError as error:
        connection.close()
        raise (
            error if is_quiet else ArchiveError(f"{error.message}, and there is a log beside it", hint=_LOG)
        ) from error
    return connection


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    """Checks the log before SQLite applies it, unless this process has the file open: then it did so already, and
    closing the file once more would give up the locks of that connection (SQLite, How To Corrupt An SQLite Database
    File, 2.2).
    """
    with _OPENING:
        with _LISTING:
            others = list(_OPEN)
        if not any(_is_same(path, connection.folder) for connection in others):
            check_log(path)
        yield


def _is_same(path: Path, folder: Path) -> bool:
    try:
        return path.samefile(folder / path.name)
    except OSError:
        return False


def _connect(path: Path, how: str) -> Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False,
        factory=Connection,
    )  # fmt: skip
    connection.folder, connection.unlocked = path.parent, None
    with _LISTING:
        _OPEN.add(connection)
    connection.text_factory = _text
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.create_function("is_moment", 1, is_moment, deterministic=True)
    return connection


def _text(raw: bytes) -> str:
    """A text column; bytes that are not UTF-8 become U+FFFD, so that one damaged text does not end every command."""
    return raw.decode("utf-8", "replace")


class _Unlocked:
    """Notices that another process writes a file that is read without locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._before = self._state()

    def _state(self) -> tuple[int, int, int]:
        state = self._path.stat()
        return state.st_ino, state.st_size, state.st_mtime_ns

    def check(self) -> None:
        """Raises ArchiveBusy if the file was written since it was opened, or is about to be."""
        if self._state() != self._before or has_log(self._path):
            raise ArchiveBusy(f"another process writes the archive {self._path.parent} while it is read", hint=_BUSY)


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
    else:  # SQLite's words may be damaged with the file, and its numbers too great
        hint = _DAMAGED
    kind = ArchiveBusy if hint is _BUSY else ArchiveError
    return kind(f"the archive {folder} cannot be used: {error}", hint=hint)


def empty_log(connection: sqlite3.Connection) -> bool:
    """Moves everything from SQLite's log into the file and empties the log; False while a reader uses it."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy
    finally:
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_S * 1000)}")
