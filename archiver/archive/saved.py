"""Saved searches, what each of them has found, and what has to be told of it. In the archive's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from archiver.archive.stored import stored_moment
from archiver.errors import ConfigError, NotFound
from archiver.model import EPOCH
from archiver.value import Value, replace


class Target(StrEnum):
    """How is told what a search finds."""

    NOBODY = "nobody"
    WEBHOOK = "webhook"
    COMMAND = "command"
    FILE = "file"
    MAIL = "mail"


class SavedSearch(Value):
    """A query under a name. `version` grows when the query changes. `place` is the URL, command or file of the target,
    `secret` signs webhooks. Everything up to the vault entry `watermark` was looked at. `disabled`: why it is looked at
    no more.
    """

    name: str
    query: str
    scope: str = "message"
    target: Target = Target.NOBODY
    place: str = ""
    with_text: bool = False
    secret: str = ""
    version: int = 1
    watermark: int = 0
    disabled: str | None = None


class SavedMatch(Value):
    """Something that a search has found: a message, or a conversation if `message_id` is empty, at a vault entry."""

    conversation_id: str
    message_id: str
    seq: int


class Delivery(Value):
    """What is to be told of a search, once. `is_dead`: it was tried too often, and is not tried any more."""

    id: int
    search: str
    version: int
    content: str
    attempts: int
    due_at: datetime
    error: str | None
    is_dead: bool


_SOON = timedelta(minutes=3)
_SEARCHES = "SELECT name, query, scope, target, place, with_text, secret, version, watermark, disabled FROM saved"
_DELIVERIES = "SELECT id, search, version, content, attempts, due_at, error, is_dead FROM deliveries"


class SavedSearches:
    """Reads and writes them, each write in a transaction of the archive. Raises ArchiveError."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:  # fmt: skip
        self._connection, self._transaction = connection, transaction

    def all(self) -> list[SavedSearch]:
        """Every saved search, by name."""
        return [_search(row) for row in self._connection.execute(f"{_SEARCHES} ORDER BY name").fetchall()]

    def find(self, name: str) -> SavedSearch | None:
        """The search with a name, if there is one."""
        row = self._connection.execute(f"{_SEARCHES} WHERE name = ?", (name,)).fetchone()
        return _search(row) if row else None

    def one(self, name: str) -> SavedSearch:
        """The search with a name. Raises NotFound."""
        search = self.find(name)
        if search is None:
            raise NotFound(f"there is no saved search {name!r}", hint="List them: archiver saved list")
        return search

    def add(self, search: SavedSearch) -> None:
        """Saves a new search. Raises ConfigError if the name is taken."""
        with self._transaction():
            if self.find(search.name):
                hint = "Choose another name, or change it: archiver saved add NAME … --force"
                raise ConfigError(f"there is a saved search {search.name!r}", hint=hint)
            self._put(search)

    def change(self, search: SavedSearch, *, from_start: bool) -> SavedSearch:
        """Saves another version of a search, which goes on where the one before was, or looks at everything. Without a
        target it keeps that of the version before, and so it does its secret. Raises NotFound.
        """
        with self._transaction():
            before = self.one(search.name)
            if search.target is Target.NOBODY:
                search = replace(search, target=before.target, place=before.place, secret=before.secret)
            mark = 0 if from_start else before.watermark
            changed = replace(search, version=before.version + 1, watermark=mark, disabled=None)
            self._put(changed)
        return changed

    def _put(self, search: SavedSearch) -> None:
        row = (
            search.name, search.query, search.scope, search.target, search.place, search.with_text, search.secret,
            search.version, search.watermark, search.disabled,
        )  # fmt: skip
        self._connection.execute("INSERT OR REPLACE INTO saved VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def remove(self, search: SavedSearch) -> None:
        """Removes a search with what it has found, and what is still to be told."""
        with self._transaction():
            for table, column in (("saved", "name"), ("found", "search"), ("deliveries", "search")):
                self._connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (search.name,))  # noqa: S608

    def disable(self, search: SavedSearch, reason: str) -> None:
        """Looks at a search no more until it is changed; it stays, and so does its watermark."""
        with self._transaction():
            self._connection.execute("UPDATE saved SET disabled = ? WHERE name = ?", (reason, search.name))

    def rewind(self, search: SavedSearch) -> None:
        """Looks at everything again, from the first entry; what was found before is not told again."""
        with self._transaction():
            self._connection.execute("UPDATE saved SET watermark = 0 WHERE name = ?", (search.name,))

    def note(
        self, search: SavedSearch, matches: Iterable[SavedMatch], watermark: int, now: datetime,
        content_of: Callable[[list[SavedMatch]], str],
    ) -> int:  # fmt: skip
        """Notes what a search has found up to a vault entry, and what is to be told of that which it had not found
        before, which is counted; all of it or nothing. Nothing is noted for a search that was changed, rewound, removed
        or looked at elsewhere meanwhile.
        """
        with self._transaction():
            key, now_there = (search.name, search.version), self.find(search.name)
            if now_there is None or (now_there.version, now_there.watermark) != (search.version, search.watermark):
                return 0
            new = [match for match in matches if self._is_new(key, match)]
            if new and search.target is not Target.NOBODY:
                self._connection.execute(
                    "INSERT INTO deliveries (search, version, content, attempts, due_at, is_dead)"
                    " VALUES (?, ?, ?, 0, ?, 0)",
                    (*key, content_of(new), _stored(now)),
                )
            self._connection.execute("UPDATE saved SET watermark = ? WHERE name = ? AND version = ?", (watermark, *key))
        return len(new)

    def _is_new(self, key: tuple[str, int], match: SavedMatch) -> bool:
        cursor = self._connection.execute(
            "INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?, ?)",
            (*key, match.conversation_id, match.message_id, match.seq),
        )
        return cursor.rowcount > 0

    def count_found(self, search: SavedSearch) -> int:
        """How much the present version of a search has found."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM found WHERE search = ? AND version = ?", (search.name, search.version)
        ).fetchone()
        return int(count)

    # ── what is to be told ──

    def due(self, now: datetime) -> list[Delivery]:
        """What is to be told now, oldest first."""
        is_due = "is_dead = 0 AND due_at <= ? ORDER BY due_at, id LIMIT 100"
        rows = self._connection.execute(f"{_DELIVERIES} WHERE {is_due}", (_stored(now),)).fetchall()
        return [_delivery(row) for row in rows]

    def claim(self, delivery: Delivery, until: datetime) -> bool:
        """Whether this process is the one to tell it; until then no other is."""
        with self._transaction():
            cursor = self._connection.execute(
                "UPDATE deliveries SET due_at = ? WHERE id = ? AND is_dead = 0 AND due_at = ?",
                (_stored(until), delivery.id, _stored(delivery.due_at)),
            )
        return cursor.rowcount > 0

    def undelivered(self) -> list[Delivery]:
        """Everything that is still to be told, or was tried too often."""
        return [_delivery(row) for row in self._connection.execute(f"{_DELIVERIES} ORDER BY id").fetchall()]

    def told(self, delivery: Delivery) -> None:
        """It was told."""
        with self._transaction():
            self._connection.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,))

    def failed(self, delivery: Delivery, error: str, due_at: datetime | None) -> None:
        """It could not be told; when to try again, or never again."""
        with self._transaction():
            self._connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1, error = ?, due_at = coalesce(?, due_at), is_dead = ?"
                " WHERE id = ?",
                (error, _stored(due_at) if due_at else None, due_at is None, delivery.id),
            )

    def revive(self, now: datetime) -> int:
        """Tries everything again now that waits, or was tried too often; how much. What is tried anyway within some
        minutes is left, as another process may be telling it.
        """
        with self._transaction():
            cursor = self._connection.execute(
                "UPDATE deliveries SET is_dead = 0, attempts = 0, due_at = ? WHERE is_dead = 1 OR due_at > ?",
                (_stored(now), _stored(now + _SOON)),
            )
        return cursor.rowcount


def _stored(moment: datetime) -> str:
    """As text whose order is that of time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _search(row: tuple[object, ...]) -> SavedSearch:
    name, query, scope, target, place, with_text, secret, version, watermark, disabled = row
    kind = Target(str(target)) if target in tuple(Target) else Target.NOBODY
    return SavedSearch(
        str(name), str(query), str(scope), kind, str(place), bool(with_text), str(secret), int(str(version)),
        int(str(watermark)), None if disabled is None else str(disabled),
    )  # fmt: skip


def _delivery(row: tuple[object, ...]) -> Delivery:
    id_, search, version, content, attempts, due_at, error, is_dead = row
    return Delivery(
        int(str(id_)), str(search), int(str(version)), str(content), int(str(attempts)),
        stored_moment(due_at) or EPOCH, None if error is None else str(error), bool(is_dead),
    )  # fmt: skip
