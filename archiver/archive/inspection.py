"""The rows of the vault as they are stored, for `verify`. Part of the archive's SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from archiver.archive import dictionary, objects, steering
from archiver.archive.bodies import BodyReader, dictionary_of
from archiver.archive.chain import Entry, entry_of, is_fingerprint
from archiver.archive.events import RECORD, REMOVING, removed_by
from archiver.archive.versions import compare_raw
from archiver.jsontext import encode
from archiver.value import Value

_OF_TYPES = " WHERE e.type IN (SELECT value FROM json_each(?))"
_ENTRIES = (
    "SELECT seq, account, conversation_id, fetched_at, type, fingerprint, commitment, size, prev, link"
    " FROM entries ORDER BY seq"
)
_BODIES = (
    "SELECT e.seq, e.account, e.conversation_id, fetched_at, type, fingerprint, commitment, size, prev, salt, body,"
    " messages, started_ms FROM entries e LEFT JOIN bodies b ON b.seq = e.seq LEFT JOIN current c ON c.seq = e.seq"
)


_STRAYS = (
    (
        "SELECT c.seq, c.conversation_id FROM current c LEFT JOIN entries e"
        " ON e.seq = c.seq AND e.conversation_id = c.conversation_id AND e.type = ? WHERE e.seq IS NULL",
        "has a current version that is not its own",
    ),
    (
        "SELECT min(seq), conversation_id FROM entries WHERE type = ? AND conversation_id NOT IN"
        " (SELECT conversation_id FROM current) GROUP BY conversation_id",
        "has no current version",
    ),
    (
        "SELECT seq, conversation_id FROM current c WHERE deep IS NOT NULL AND NOT EXISTS"
        " (SELECT 1 FROM entries e WHERE e.seq = c.deep AND e.conversation_id = c.conversation_id AND e.type = ?)",
        "is said to be read by its id in an entry that is not its own",
    ),
    (
        "SELECT seq, conversation_id FROM current c WHERE ? <> '' AND touched IS NOT"
        " (SELECT max(seq) FROM entries e WHERE e.conversation_id = c.conversation_id)",
        "has other entries than its row says",
    ),
)


class Current(Value):
    """A row of the table `current`."""

    messages: int
    started_ms: int | None


Body = tuple[Entry, bytes | None, Current | None]


class Inspection:
    """Reads only. No method trusts one row's statement about another."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._reader = BodyReader(connection)

    def entries(self) -> Iterator[tuple[Entry, bytes]]:
        """The whole chain in order: each entry with its stored link."""
        for row in self._connection.execute(_ENTRIES):
            yield entry_of(row[:-1]), row[-1]

    def bodies(self, *types: str) -> Iterator[Body]:
        """Every entry in order, or those of some types, with its body and its row as a current version.

        The body is None where it is absent or altered; the row where the entry is no current version.
        """
        return self._bodies(_OF_TYPES, encode(types).decode()) if types else self._bodies("")

    def _bodies(self, where: str, *values: object) -> Iterator[Body]:
        for *entry, salt, body, messages, started_ms in self._connection.execute(
            f"{_BODIES}{where} ORDER BY e.seq", values
        ):
            read = entry_of(entry)
            current = None if messages is None else Current(messages, started_ms)
            yield read, self._reader.opened(read.commitment, salt, body, read.size), current

    def of_types(
        self, types: Sequence[str], conversation_id: str | None = None
    ) -> Iterator[tuple[Entry, bytes | None]]:
        """The entries of some types, of one conversation or of all, in order, with their bodies."""
        where, values = _OF_TYPES, [encode(types).decode()]
        if conversation_id is not None:
            where, values = f"{where} AND e.conversation_id = ?", [*values, conversation_id]
        return ((entry, raw) for entry, raw, _ in self._bodies(where, *values))

    def at(self, seq: int) -> list[tuple[Entry, bytes | None]]:
        """The entry with a sequence number and its body; empty if there is none."""
        return [(entry, raw) for entry, raw, _ in self._bodies(" WHERE e.seq = ?", seq)]

    def is_removed(self, entry: Entry) -> bool:
        """Whether a later entry of the chain says that the body of an entry was removed on purpose."""
        if entry.type != RECORD:
            return False
        events = self.of_types(REMOVING, entry.conversation_id)
        return any(event.seq > entry.seq and entry.seq in removed_by(event.type, raw or b"") for event, raw in events)

    def has_body(self, entry: Entry) -> bool:
        """Whether there is a row for the body of an entry, correct or not."""
        row = self._connection.execute("SELECT 1 FROM bodies WHERE seq = ?", (entry.seq,)).fetchone()
        return row is not None

    def is_fingerprint(self, entry: Entry, raw: bytes) -> bool:
        """Whether an entry's fingerprint belongs to a body, with this archive's key."""
        return is_fingerprint(entry.fingerprint, self._key, raw)

    def strays(self) -> Iterator[tuple[str, int | None, str]]:
        """Rows that belong to no entry, as (place, sequence number, what is wrong)."""
        for (seq,) in self._connection.execute("SELECT seq FROM bodies WHERE seq NOT IN (SELECT seq FROM entries)"):
            yield "body", seq, "a body without an entry"
        for query, words in _STRAYS:
            for seq, conversation_id in self._connection.execute(query, (RECORD,)):
                yield "current", seq, f"conversation {conversation_id} {words}"
        yield from self._overtaken()
        for words in dictionary.faults(self._connection, self.dictionary_id()):
            yield "body", None, words
        for digest, body in self._connection.execute("SELECT digest, body FROM quarantine"):
            if self._reader.quarantined(digest, body) is None:
                yield "quarantine", None, f"the quarantined bytes {digest.hex()[:16]} are not what was kept"

    def dictionary_id(self) -> int:
        """The id of the dictionary that the newest body compressed with one names; 0 if there is none."""
        bodies = self._connection.execute("SELECT body FROM bodies ORDER BY seq DESC")
        return next((id_ for (body,) in bodies if (id_ := dictionary_of(body))), 0)

    def _overtaken(self) -> Iterator[tuple[str, int | None, str]]:
        """Current versions that a later entry should have replaced."""
        rows = self._connection.execute(
            "SELECT c.seq, c.conversation_id, e.seq FROM current c JOIN entries e"
            " ON e.conversation_id = c.conversation_id AND e.seq > c.seq AND e.type = ?",
            (RECORD,),
        )
        for current, conversation_id, later in rows.fetchall():
            old, new = (next((raw for _, raw in self.at(seq)), None) for seq in (current, later))
            if old and new and compare_raw(new, old).replaces:
                yield "current", current, f"conversation {conversation_id} has a newer version, entry {later}"

    def erasures(self, conversation_id: str | None = None) -> dict[int, tuple[Any, ...]]:
        """The rows of the list of erasures, of one conversation or of all, by their sequence number."""
        rows = self._connection.execute(
            "SELECT seq, conversation_id, kind, record, state, decision, decided_at, decided_by, reason FROM erasures"
            " WHERE ? IS NULL OR conversation_id = ? ORDER BY seq",
            (conversation_id, conversation_id),
        )
        return {row[0]: tuple(row) for row in rows}

    def damage(self) -> list[str]:
        """What SQLite's own check finds wrong with the file; empty if nothing."""
        rows = [row[0] for row in self._connection.execute("PRAGMA integrity_check(20)")]
        return [] if rows == ["ok"] else rows

    def foreign_parts(self) -> Iterator[str]:
        """What is in the file and not of this program, what it lacks, and tables that were made otherwise."""
        return objects.faults(self._connection)

    def wrong_steering(self, now: datetime) -> Iterator[tuple[str, str]]:
        """Rows that steer the harvest and can't be true at `now`, as (table, what is wrong)."""
        return steering.faults(self._connection, now)
