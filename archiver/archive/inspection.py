"""The rows of the vault as they are stored, for `verify`. Part of the archive's SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archiver.archive.bodies import BodyReader
from archiver.archive.chain import Entry, is_fingerprint
from archiver.archive.events import BY_POLICY, DECIDED, FEWER, RECORD, REMOVING, UPSTREAM, Decision, removed_by
from archiver.archive.versions import compare_raw
from archiver.jsontext import decode, encode

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
)


@dataclass(frozen=True, slots=True)
class Current:
    """A row of the table `current`."""

    messages: int
    started_ms: int | None


Body = tuple[Entry, bytes | None, Current | None]


class Inspection:
    """Reads only. No method trusts one row's statement about another."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._reader = BodyReader()

    def entries(self) -> Iterator[tuple[Entry, bytes]]:
        """The whole chain in order: each entry with its stored link."""
        for row in self._connection.execute(_ENTRIES):
            yield Entry(*row[:-1]), row[-1]

    def bodies(self, *types: str) -> Iterator[Body]:
        """Every entry in order, or those of some types, with its body and its row as a current version.

        The body is None where it is absent or altered; the row where the entry is no current version.
        """
        return self._bodies(_OF_TYPES, encode(types).decode()) if types else self._bodies("")

    def _bodies(self, where: str, *values: object) -> Iterator[Body]:
        for *entry, salt, body, messages, started_ms in self._connection.execute(
            f"{_BODIES}{where} ORDER BY e.seq", values
        ):
            read = Entry(*entry)
            current = None if messages is None else Current(messages, started_ms)
            yield read, self._reader.opened(read.commitment, salt, body, read.size), current

    def _one(self, seq: int | None) -> tuple[Entry | None, bytes | None]:
        """An entry and its body, if they exist."""
        entry, raw, _ = next(self._bodies(" WHERE e.seq = ?", seq), (None, None, None))
        return entry, raw

    def is_removed(self, entry: Entry) -> bool:
        """Whether a later entry of the chain says that the body of an entry was removed on purpose."""
        if entry.type != RECORD:
            return False
        later = self._bodies(
            f"{_OF_TYPES} AND e.conversation_id = ? AND e.seq > ?",
            encode(REMOVING).decode(), entry.conversation_id, entry.seq,
        )  # fmt: skip
        return any(entry.seq in removed_by(event.type, raw or b"") for event, raw, _ in later)

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
        for digest, body in self._connection.execute("SELECT digest, body FROM quarantine"):
            if self._reader.opened(digest, b"", body, None) is None:
                yield "quarantine", None, f"the quarantined bytes {digest.hex()[:16]} are not what was kept"
        yield from self._erasure_strays()

    def _overtaken(self) -> Iterator[tuple[str, int | None, str]]:
        """Current versions that a later entry should have replaced."""
        rows = self._connection.execute(
            "SELECT c.seq, c.conversation_id, e.seq FROM current c JOIN entries e"
            " ON e.conversation_id = c.conversation_id AND e.seq > c.seq AND e.type = ?",
            (RECORD,),
        )
        for current, conversation_id, later in rows.fetchall():
            old, new = self._one(current)[1], self._one(later)[1]
            if old and new and compare_raw(new, old).replaces:
                yield "current", current, f"conversation {conversation_id} has a newer version, entry {later}"

    def _erasure_strays(self) -> Iterator[tuple[str, int | None, str]]:
        """Events in the chain that the list of erasures lacks, and rows of it that the chain contradicts."""
        rows = self._connection.execute(
            "SELECT e.seq FROM entries e WHERE e.type IN (SELECT value FROM json_each(?))"
            " AND e.seq NOT IN (SELECT seq FROM erasures)",
            (encode(UPSTREAM).decode(),),
        )
        for (seq,) in rows:
            yield "erasures", seq, "the chain has this event, and the list of erasures has not"
        rows = self._connection.execute(
            "SELECT seq, conversation_id, kind, record, state, decision, decided_at, decided_by, reason FROM erasures"
        )
        for row in rows:
            if not self._agrees_with_chain(*row):
                yield "erasures", row[0], "is listed otherwise than the chain says"

    def _agrees_with_chain(
        self, seq: int, conversation_id: str, kind: str, record: int, state: str, *decided: Any
    ) -> bool:
        (event, content), (decision, decision_content) = self._event(seq), self._event(decided[0])
        if event is None or (event.type, event.conversation_id) != (kind, conversation_id):
            return False
        if content.get("record") != record:
            return False
        if decision is None:
            is_again = kind == FEWER and state == Decision.SUPERSEDED
            return (is_again or state == BY_POLICY.get(str(content.get("policy")))) and decided == (None,) * 4
        of, as_, by, reason = (decision_content.get(name) for name in ("of", "decision", "by", "reason"))
        is_decision = (decision.type, decision.conversation_id) == (DECIDED, conversation_id)
        return is_decision and (of, as_, decision.fetched_at, by, reason) == (seq, state, *decided[1:])

    def _event(self, seq: int | None) -> tuple[Entry | None, dict[str, Any]]:
        """An entry, and the content of its body."""
        entry, raw = self._one(seq)
        content = decode(raw) if raw else None
        return entry, content if isinstance(content, dict) else {}
