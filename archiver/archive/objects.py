"""What the archive's file may consist of. Other tables are harmless; a foreign trigger, view or index is not.

A trigger runs unnoticed whenever rows are written, and a foreign unique index makes SQLite delete rows that it forbids.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path

from archiver.archive.tables import SCHEMA
from archiver.errors import ArchiveError
from archiver.value import Value

_CREATED = re.compile(r"CREATE (TABLE|INDEX) (\w+)")


class Stranger(Value):
    """Something in the file that is not of this program. `kind` is table, index, view or trigger."""

    kind: str
    name: str

    @property
    def is_dangerous(self) -> bool:
        """Whether it may change what is written."""
        return self.kind != "table"

    def __str__(self) -> str:
        return f"the foreign {self.kind} {self.name!r}"


@cache
def _expected() -> dict[tuple[str, str], str]:
    """The statement that makes each table and index, by kind and name."""
    statements = [statement.strip() for statement in SCHEMA.split(";")]
    return {(match[1].lower(), match[2]): text for text in statements if (match := _CREATED.match(text))}


def strangers(connection: sqlite3.Connection) -> list[Stranger]:
    """Whatever is in the file and not of this program, also an index of ours that was made otherwise."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()
    return [Stranger(kind, name) for kind, name, sql in rows if not _is_ours(kind, name, sql)]


def refuse_strangers(connection: sqlite3.Connection, path: Path) -> None:
    """Raises ArchiveError if the file holds what may change that which is written."""
    for stranger in strangers(connection):
        if stranger.is_dangerous:
            message = f"{path} holds {stranger}, which may change what is written"
            raise ArchiveError(message, hint="Remove it: archiver verify --repair")


def _is_ours(kind: str, name: str, sql: str | None) -> bool:
    if kind in ("table", "index") and name.startswith("sqlite_"):
        return True  # SQLite makes these itself, and lets nobody else do so
    expected = _expected().get((kind, name))
    return expected is not None and (kind == "table" or _plain(sql or "") == _plain(expected))


def _plain(sql: str) -> str:
    return " ".join(sql.split())


def faults(connection: sqlite3.Connection) -> Iterator[str]:
    """What is in the file and not of this program, what it lacks, and tables that were made otherwise."""
    for stranger in strangers(connection):
        more = "; --repair removes it" if stranger.is_dangerous else "; move its rows to another file and drop it"
        yield f"{stranger} is in the file{more}"
    present = {(kind, name) for kind, name in connection.execute("SELECT type, name FROM sqlite_master")}
    with closing(sqlite3.connect(":memory:")) as fresh:
        fresh.executescript(SCHEMA)
        for kind, name in _expected():
            if (kind, name) not in present:
                yield f"the {kind} {name} is missing"
            elif kind == "table" and _shape(connection, name) != _shape(fresh, name):
                yield f"the table {name} was made otherwise than by this program"


def _shape(connection: sqlite3.Connection, table: str) -> tuple[object, ...]:
    columns = connection.execute(
        'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid', (table,)
    ).fetchall()
    own = connection.execute("SELECT count(*) FROM pragma_index_list(?) WHERE origin <> 'c'", (table,)).fetchall()
    return columns, own, connection.execute("SELECT wr, strict FROM pragma_table_list(?)", (table,)).fetchall()


def mend(connection: sqlite3.Connection) -> int:
    """Removes foreign triggers, views and indices, and makes missing indices; how many there were."""
    dangerous = [stranger for stranger in strangers(connection) if stranger.is_dangerous]
    for stranger in dangerous:
        name = stranger.name.replace('"', '""')
        connection.execute(f'DROP {stranger.kind} IF EXISTS "{name}"')
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    missing = [sql for (kind, name), sql in _expected().items() if kind == "index" and name not in present]
    for sql in missing:
        connection.execute(sql)
    return len(dangerous) + len(missing)
