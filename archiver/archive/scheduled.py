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

_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=366)
_LONGEST_WAIT = timedelta(hours=1)  # until what failed is tried again
_MOST_MISSED = 100  # exports that are made up for


class ScheduledExport(Value):
    """An export of what a query finds, in a format, to a folder or the URL of one, every so often. `beat`: for which
    moment the next one is made; `due_at`: when that is tried. `done_at`: when the last one was complete. `remark`: why
    the last one was not, or what it lacks.
    """

    name: str
    query: str
    format: str
    destination: str
    every: timedelta
    beat: datetime
    due_at: datetime
    done_at: datetime | None = None
    remark: str | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it is to be tried now. A moment further ahead than one pause was noted by a wrong clock."""
        return self.due_at <= now or self.due_at - now > max(self.every, _LONGEST_WAIT)

    def present_beat(self, now: datetime) -> datetime:
        """For which moment it is to be made now: its own, or if too many were missed, a later one of its beat; now, if
        a wrong clock has put it into the future.
        """
        too_many = max((now - self.beat) // self.every - _MOST_MISSED, 0)
        return min(self.beat + too_many * self.every, now)

    def beat_after(self, now: datetime) -> datetime:
        """The first moment after `now` on its own beat."""
        beat = self.present_beat(now)
        return beat + self.every * ((now - beat) // self.every + 1)


def checked_pause(every: timedelta) -> timedelta:
    """How often something is exported. Raises ValueError."""
    if not _SHORTEST <= every <= _LONGEST:
        raise ValueError("it is a minute at least, and 366 days at most")
    return every


_ROWS = "SELECT name, query, format, destination, every_s, beat, due_at, done_at, remark FROM scheduled"
_SAME = "name = ? AND query = ? AND format = ? AND destination = ? AND every_s = ?"


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
        moments = _stored(item.beat), _stored(item.due_at)
        row = (item.name, item.query, item.format, item.destination, item.every.total_seconds(), *moments)
        with self._transaction():
            if any(other.name == item.name for other in self.all()):
                raise ConfigError(f"there is a scheduled export {item.name!r}", hint="Choose another name.")
            self._connection.execute("INSERT INTO scheduled VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", row)

    def remove(self, name: str) -> None:
        """Removes one; what it has written stays."""
        with self._transaction():
            self._connection.execute("DELETE FROM scheduled WHERE name = ?", (name,))

    def made(self, item: ScheduledExport, at: datetime, *, beat: datetime, remark: str | None) -> None:
        """Notes when it was complete, the moment of the next one, and what is to be known of it."""
        values = (_stored(beat), _stored(beat), remark, _stored(at), *_same(item))
        with self._transaction():
            self._connection.execute(
                f"UPDATE scheduled SET beat = ?, due_at = ?, remark = ?, done_at = ? WHERE {_SAME}",  # noqa: S608
                values,
            )

    def failed(self, item: ScheduledExport, *, due_at: datetime, remark: str) -> None:
        """Notes why it could not be made, and when it is tried again."""
        with self._transaction():
            self._connection.execute(
                f"UPDATE scheduled SET due_at = ?, remark = ? WHERE {_SAME}",  # noqa: S608
                (_stored(due_at), remark, *_same(item)),
            )


def _same(item: ScheduledExport) -> tuple[str | float, ...]:
    """By what an export is known: one that was removed, and added anew, is another."""
    return item.name, item.query, item.format, item.destination, item.every.total_seconds()


def _stored(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds")


def _read(row: tuple[object, ...]) -> ScheduledExport:
    name, query, format_, destination, every_s, beat, due_at, done_at, remark = row
    seconds = min(max(float(str(every_s)), _SHORTEST.total_seconds()), _LONGEST.total_seconds())
    return ScheduledExport(
        str(name), str(query), str(format_), str(destination), timedelta(seconds=seconds),
        stored_moment(beat) or EPOCH, stored_moment(due_at) or EPOCH, stored_moment(done_at),
        None if remark is None else str(remark),
    )  # fmt: skip
