"""Exports that are made again and again: what, where to, and when. In the archive's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from archiver.archive.stored import stored_moment
from archiver.errors import ConfigError, NotFound
from archiver.model import EPOCH
from archiver.value import Value


class ScheduledExport(Value):
    """An export of what a query finds, in a format, to a folder or the URL of one, every so often. `done_at`: when the
    last one was complete. `remark`: why the last one was not, or what it lacks.
    """

    name: str
    query: str
    format: str
    destination: str
    every: timedelta
    due_at: datetime
    done_at: datetime | None = None
    remark: str | None = None


_ROWS = "SELECT name, query, format, destination, every_s, due_at, done_at, remark FROM scheduled"


class ScheduledExports:
    """Reads and writes them, each write in a transaction of the archive. Raises ArchiveError."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:  # fmt: skip
        self._connection, self._transaction = connection, transaction

    def all(self) -> list[ScheduledExport]:
        """Every scheduled export, by name."""
        return [_read(row) for row in self._connection.execute(f"{_ROWS} ORDER BY name").fetchall()]

    def one(self, name: str) -> ScheduledExport:
        """The one with a name. Raises NotFound."""
        row = self._connection.execute(f"{_ROWS} WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(f"there is no scheduled export {name!r}", hint="List them: archiver scheduled list")
        return _read(row)

    def add(self, item: ScheduledExport) -> None:
        """Keeps a new one. Raises ConfigError if the name is taken."""
        row = (item.name, item.query, item.format, item.destination, item.every.total_seconds(), _stored(item.due_at))
        with self._transaction():
            if any(other.name == item.name for other in self.all()):
                raise ConfigError(f"there is a scheduled export {item.name!r}", hint="Choose another name.")
            self._connection.execute("INSERT INTO scheduled VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)", row)

    def remove(self, name: str) -> None:
        """Removes one; what it has written stays."""
        with self._transaction():
            self._connection.execute("DELETE FROM scheduled WHERE name = ?", (name,))

    def claim(self, item: ScheduledExport, next_due: datetime) -> bool:
        """Whether this process is the one to make it now; it is due again then."""
        with self._transaction():
            cursor = self._connection.execute(
                "UPDATE scheduled SET due_at = ? WHERE name = ? AND due_at = ?",
                (_stored(next_due), item.name, _stored(item.due_at)),
            )
        return cursor.rowcount > 0

    def note(self, item: ScheduledExport, at: datetime | None, *, due_at: datetime, remark: str | None) -> None:
        """Notes when it was complete, or None; what is to be known of it; and when it is due again."""
        with self._transaction():
            self._connection.execute(
                "UPDATE scheduled SET due_at = ?, remark = ?, done_at = coalesce(?, done_at) WHERE name = ?",
                (_stored(due_at), remark, _stored(at) if at else None, item.name),
            )


def _stored(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _read(row: tuple[object, ...]) -> ScheduledExport:
    name, query, format_, destination, every_s, due_at, done_at, remark = row
    return ScheduledExport(
        str(name), str(query), str(format_), str(destination), timedelta(seconds=float(str(every_s))),
        stored_moment(due_at) or EPOCH, stored_moment(done_at), None if remark is None else str(remark),
    )  # fmt: skip
