"""The audit log: who did what with the archive, as a hash chain in a file of its own beside the archive's.

It has a file of its own so that a harvest never waits for a search, and so that it can be kept for another time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from archiver.archive.connection import READ_ONLY, Connection, connect, connect_read_only
from archiver.errors import ArchiveError, ArchiverError
from archiver.jsontext import decode, encode
from archiver.value import Value

AUDIT_FILE = "audit.sqlite3"
_GENESIS = bytes(32)
_TABLE = "CREATE TABLE events (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, event TEXT NOT NULL) STRICT"
_AT_ONCE = 500  # rows in memory
_OLDEST_FIRST = "SELECT seq, hash, event FROM events WHERE seq > ? ORDER BY seq LIMIT ?"
_NEWEST_FIRST = "SELECT seq, hash, event FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?"
_GONE = "Find out by whom, and bring it back. The program begins a new log when it is started again."
_REWRITTEN = "Compare the log with a copy or a head that was kept elsewhere, and find out who can write the file."


class AuditHead(Value):
    """The newest event of an audit log: its number, 0 for none, and its hash."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


class AuditLog:
    """Appends events and reads them. Each event's hash is the SHA-256 of the hash before it and of the event's JSON,
    so that none can be changed, removed or put in between without changing all that follow. All methods raise
    ArchiveError.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / AUDIT_FILE
        self._writer: Connection | None = None
        self._identity: tuple[object, object] | None = None
        self._newest: AuditHead | None = None

    def append(self, event: Mapping[str, Any]) -> AuditHead:
        """Writes an event for good before it returns. `event` gets its number as `event.sequence`."""
        connection = self._writing()
        connection.execute("BEGIN IMMEDIATE")
        try:
            head = _head(connection)
            self._check_follows(head)
            members = {**event, "event": {**event["event"], "sequence": head.seq + 1}}
            text = encode(members)
            made = AuditHead(head.seq + 1, _following(head.hash, text))
            connection.execute("INSERT INTO events VALUES (?, ?, ?)", (made.seq, made.hash, text.decode()))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        self._identity, self._newest = self._identities(), made
        return made

    def _check_follows(self, head: AuditHead) -> None:
        """Raises ArchiveError if the newest event of the file is older than one that was written here."""
        known = self._newest
        if known and (head.seq < known.seq or (head.seq == known.seq and head.hash != known.hash)):
            raise ArchiveError(f"events were removed from {self._path} while it was in use", hint=_GONE)

    @property
    def exists(self) -> bool:
        """Whether there is a log."""
        return self._path.exists()

    def head(self) -> AuditHead:
        """The newest event."""
        with self._reading() as connection:
            return _head(connection) if connection else AuditHead(0, _GENESIS)

    def events(self, *, is_newest_first: bool = False) -> Iterator[dict[str, Any]]:
        """All events in order, each with its hash as `event.hash`. One that can't be read is given as `{}`."""
        with self._reading() as connection:
            select, last = (_NEWEST_FIRST, 2**62) if is_newest_first else (_OLDEST_FIRST, 0)
            while connection:
                rows = connection.execute(select, (last, _AT_ONCE)).fetchall()
                yield from (_shown(hash_, text) for _, hash_, text in rows)
                if len(rows) < _AT_ONCE:
                    return
                last = rows[-1][0]

    def faults(self, known: AuditHead | None = None) -> Iterator[str]:
        """Whatever shows that the log is not what was written; nothing if all is well. `known` is a head that was noted
        before: the log must still hold it. Without one, only a part that was changed is found, and not a log that was
        written anew or cut off.
        """
        seq, hash_ = 0, _GENESIS
        with self._reading() as connection:
            yield from _strangers(connection) if connection else ()
            for found, stored, text in connection.execute("SELECT * FROM events ORDER BY seq") if connection else ():
                if found != seq + 1:
                    yield f"{_range(seq + 1, found - 1)} missing. {_REWRITTEN}"
                    hash_ = b""  # what follows a hole can't be compared with what was before it
                if hash_ and _following(hash_, text.encode()) != stored:
                    yield f"event {found} is not what was written. {_REWRITTEN}"
                elif _number_of(text) != found:
                    yield f"event {found} names another number. {_REWRITTEN}"
                seq, hash_ = found, stored
                if known and known.seq == seq and known.hash != stored:
                    yield f"event {seq} is another one than that of the head {known}. {_REWRITTEN}"
        if known and known.seq > seq:
            yield f"the log ends with event {seq}, and the head {known} is not in it. {_REWRITTEN}"

    def close(self) -> None:
        """Closes the file. The next use opens it again."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _writing(self) -> Connection:
        known, present = self._identity, self._identities()
        if known and (known[0] != present[0] or (self._writer is not None and known != present)):
            raise ArchiveError(f"{self._path} was removed or replaced while it was in use", hint=_GONE)
        if self._writer is None:
            if not self._path.parent.is_dir():
                raise ArchiveError(f"the archive {self._path.parent} is gone", hint="Bring it back.")
            connection = connect(self._path)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                    _create(connection)
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        return self._writer

    def _identities(self) -> tuple[object, object]:
        """Which files the log is in: SQLite's own log beside it holds the newest events."""
        return _identity(self._path), _identity(self._path.with_name(f"{AUDIT_FILE}-wal"))

    def _reading(self) -> _Reading:
        return _Reading(self._path)


class _Reading:
    """A connection for reading, closed at the end; None if there is no log yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: Connection | None = None

    def __enter__(self) -> Connection | None:
        if self._path.exists():
            self._connection = _readable(self._path)
        return self._connection

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, as the file system numbers it."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _readable(path: Path) -> Connection:
    try:
        return connect(path)
    except ArchiverError as error:
        if error.hint != READ_ONLY:
            raise
        return connect_read_only(path)


def _create(connection: Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        connection.execute(_TABLE)
    connection.execute("COMMIT")


def _head(connection: sqlite3.Connection) -> AuditHead:
    row = connection.execute("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditHead(*row) if row else AuditHead(0, _GENESIS)


def _following(before: bytes, text: bytes) -> bytes:
    return sha256(before + text).digest()


def _shown(hash_: bytes, text: str) -> dict[str, Any]:
    try:
        event: dict[str, Any] = decode(text)
        event["event"]["hash"] = hash_.hex()
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}
    return event


def _number_of(text: str) -> int | None:
    try:
        number: int | None = decode(text)["event"]["sequence"]
    except (ValueError, TypeError, KeyError):
        return None
    return number


def _strangers(connection: sqlite3.Connection) -> Iterator[str]:
    """Whatever else is in the file: a trigger could change what is written."""
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name"):
        if sql != _TABLE:
            yield f"the foreign {kind} {name!r} is in the audit log's file. {_REWRITTEN}"


def _range(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"
