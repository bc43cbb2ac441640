"""Cases: conversations that were put together for a reason, and what reviewers say of each. In the archive's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from enum import StrEnum
from typing import Any

from archiver.errors import ConfigError, NotFound
from archiver.value import Value

_ITEMS = (
    "SELECT conversation_id, part, status, tags, note, reviewer, read_at FROM case_items WHERE case_name = ?"
)  # fmt: skip


class Part(StrEnum):
    """How a conversation came into a case."""

    HIT = "hit"  # the query found it
    SAMPLE = "sample"  # drawn from those that the query found
    NULL_SAMPLE = "null-sample"  # drawn from those that it did not find
    ADDED = "added"  # by its id
    LATER = "later"  # the query found it after the case was made


class Status(StrEnum):
    """What a reviewer says of a conversation."""

    OPEN = "open"
    RELEVANT = "relevant"
    IRRELEVANT = "irrelevant"
    PRIVILEGED = "privileged"


class Case(Value):
    """A case. `query` is empty if conversations were only added by their ids. `follows`: what matches later belongs to
    it, too. `seed` and `population` tell how its sample was drawn, and from how many.
    """

    name: str
    reason: str
    query: str
    follows: bool
    made_by: str
    made_at: str
    seed: str = ""
    population: int = 0


class CaseItem(Value):
    """A conversation in a case. `read_at`: when somebody first said that it was read; None if nobody did."""

    conversation_id: str
    part: Part
    status: Status = Status.OPEN
    tags: tuple[str, ...] = ()
    note: str = ""
    reviewer: str | None = None
    read_at: str | None = None


class Cases:
    """Reads and writes cases, each write in a transaction of the archive. Raises ArchiveError."""

    def __init__(
        self, connection: sqlite3.Connection, transaction: Callable[[], AbstractContextManager[None]]
    ) -> None:  # fmt: skip
        self._connection, self._transaction = connection, transaction

    def all(self) -> list[Case]:
        """Every case, by name."""
        rows = self._connection.execute("SELECT * FROM cases ORDER BY name").fetchall()
        return [Case(name, reason, query, bool(follows), *rest) for name, reason, query, follows, *rest in rows]

    def one(self, name: str) -> Case:
        """The case with a name. Raises NotFound."""
        for case in self.all():
            if case.name == name:
                return case
        raise no_case(name)

    def make(self, case: Case, ids: Iterable[str], part: Part) -> int:
        """Makes a case with conversations; how many. Raises ConfigError if the name is taken."""
        with self._transaction():
            self.check_free(case.name)
            self._connection.execute(
                "INSERT INTO cases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    case.name,
                    case.reason,
                    case.query,
                    case.follows,
                    case.made_by,
                    case.made_at,
                    case.seed,
                    case.population,
                ),
            )
            return self._put(case, ids, part)

    def check_free(self, name: str) -> None:
        """Raises ConfigError if there is a case of this name."""
        if any(other.name == name for other in self.all()):
            raise ConfigError(f"there is a case {name!r}", hint="Choose another name.")

    def add(self, case: Case, ids: Iterable[str], part: Part) -> int:
        """Adds conversations that are not in the case yet; how many."""
        with self._transaction():
            return self._put(case, ids, part)

    def _put(self, case: Case, ids: Iterable[str], part: Part) -> int:
        before = self._connection.total_changes
        self._connection.executemany(
            "INSERT OR IGNORE INTO case_items VALUES (?, ?, ?, 'open', '', '', NULL, NULL)",
            ((case.name, id_, part) for id_ in ids),
        )
        return self._connection.total_changes - before

    def remove(self, case: Case) -> None:
        """Removes a case with what was said of its conversations."""
        with self._transaction():
            self._connection.execute("DELETE FROM case_items WHERE case_name = ?", (case.name,))
            self._connection.execute("DELETE FROM cases WHERE name = ?", (case.name,))

    def items(self, case: Case) -> list[CaseItem]:
        """The conversations of a case, by id."""
        rows = self._connection.execute(f"{_ITEMS} ORDER BY conversation_id", (case.name,)).fetchall()
        return [_item(row) for row in rows]

    def item(self, case: Case, conversation_id: str) -> CaseItem | None:
        """A conversation in a case; None if it is not in the case."""
        row = self._connection.execute(f"{_ITEMS} AND conversation_id = ?", (case.name, conversation_id)).fetchone()
        return _item(row) if row else None

    def review(self, case: Case, item: CaseItem, by: str, now: datetime) -> None:
        """Notes what a reviewer says of a conversation in the case, which counts as read then."""
        at = now.isoformat(timespec="seconds")
        with self._transaction():
            self._connection.execute(
                "UPDATE case_items SET status = ?, tags = ?, note = ?, reviewer = ?, read_at = coalesce(read_at, ?)"
                " WHERE case_name = ? AND conversation_id = ?",
                (item.status, "\n".join(item.tags), item.note, by, at, case.name, item.conversation_id),
            )


def no_case(name: str) -> NotFound:
    return NotFound(f"there is no case {name!r}", hint="List them: archiver case list")


def _item(row: Sequence[Any]) -> CaseItem:
    id_, part, status, tags, *rest = row
    return CaseItem(id_, Part(part), Status(status), tuple(filter(None, tags.split("\n"))), *rest)
