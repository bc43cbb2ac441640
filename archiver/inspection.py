"""The rows of the vault as they are, for those who doubt them. Part of the archive's SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import zstandard

from archiver.chain import commit, is_fingerprint
from archiver.encoding import decode, encode
from archiver.events import DECIDED, FEWER, RECORD, TAKEN_BACK, removed_by
from archiver.model import Entry
from archiver.versions import Change, compare

_OF_TYPES = " WHERE e.type IN (SELECT value FROM json_each(?))"
_ENTRIES = (
    "SELECT seq, account, conversation_id, fetched_at, type, fingerprint, commitment, size, prev, link"
    " FROM entries ORDER BY seq"
)
_BODIES = (
    "SELECT e.seq, e.account, e.conversation_id, fetched_at, type, fingerprint, commitment, size, prev, salt, body,"
    " messages FROM entries e LEFT JOIN bodies b ON b.seq = e.seq LEFT JOIN current c ON c.seq = e.seq"
)


class Inspection:
    """Reads only. Nothing here trusts what the rows say of each other."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        self._connection = connection
        self._key = key
        self._decompressor = zstandard.ZstdDecompressor()

    def entries(self) -> Iterator[tuple[Entry, bytes]]:
        """The whole chain in order: each entry with its stored link."""
        for row in self._connection.execute(_ENTRIES):
            yield Entry(*row[:-1]), row[-1]

    def bodies(self, *types: str) -> Iterator[tuple[Entry, bytes | None, int | None]]:
        """Every entry in order, or those of some types, with its body and how many messages it is said to have.

        The body is None where it is gone or not what was kept; the number where the entry is no current version.
        """
        where, values = (_OF_TYPES, (encode(types).decode(),)) if types else ("", ())
        for row in self._connection.execute(f"{_BODIES}{where} ORDER BY e.seq", values):
            yield Entry(*row[:9]), self._opened(row[6], row[9], row[10]), row[11]

    def is_removed(self, entry: Entry) -> bool:
        """Whether the chain says, further on, that the body of an entry was removed on purpose."""
        if entry.type != RECORD:
            return False
        kinds = (*TAKEN_BACK, DECIDED)
        rows = self._connection.execute(
            f"{_BODIES}{_OF_TYPES} AND e.conversation_id = ? AND e.seq > ?",
            (encode(kinds).decode(), entry.conversation_id, entry.seq),
        )
        return any(entry.seq in removed_by(row[4], self._opened(row[6], row[9], row[10]) or b"") for row in rows)

    def has_body(self, entry: Entry) -> bool:
        """Whether there is a row for the body of an entry, be it right or wrong."""
        row = self._connection.execute("SELECT 1 FROM bodies WHERE seq = ?", (entry.seq,)).fetchone()
        return row is not None

    def is_fingerprint(self, entry: Entry, raw: bytes) -> bool:
        """Whether an entry's fingerprint is that of a body, by this archive's key."""
        return is_fingerprint(entry.fingerprint, self._key, raw)

    def _opened(self, commitment: bytes, salt: bytes | None, body: bytes | None) -> bytes | None:
        if salt is None or body is None:
            return None
        try:
            raw = self._decompressor.decompress(body)
        except zstandard.ZstdError:
            return None
        return raw if commit(salt, raw) == commitment else None

    def strays(self) -> Iterator[tuple[str, int | None, str]]:
        """Rows that belong to nothing, as (table, sequence number, what)."""
        for (seq,) in self._connection.execute("SELECT seq FROM bodies WHERE seq NOT IN (SELECT seq FROM entries)"):
            yield "bodies", seq, "a body without an entry"
        rows = self._connection.execute(
            "SELECT c.seq, c.conversation_id FROM current c LEFT JOIN entries e"
            " ON e.seq = c.seq AND e.conversation_id = c.conversation_id AND e.type = ? WHERE e.seq IS NULL",
            (RECORD,),
        )
        for seq, conversation_id in rows:
            yield "current", seq, f"conversation {conversation_id} has a current version that is not its own"
        rows = self._connection.execute(
            "SELECT min(seq), conversation_id FROM entries WHERE type = ? AND conversation_id NOT IN"
            " (SELECT conversation_id FROM current) GROUP BY conversation_id",
            (RECORD,),
        )
        for seq, conversation_id in rows:
            yield "current", seq, f"conversation {conversation_id} has no current version"
        yield from self._overtaken()
        for digest, body in self._connection.execute("SELECT digest, body FROM aside"):
            if self._opened(digest, b"", body) is None:
                yield "aside", None, f"the bytes set aside as {digest.hex()[:16]} are not what was set aside"
        yield from self._erasure_strays()

    def _overtaken(self) -> Iterator[tuple[str, int | None, str]]:
        """Current versions that a later entry should have taken the place of."""
        rows = self._connection.execute(
            "SELECT c.seq, c.conversation_id, e.seq FROM current c JOIN entries e"
            " ON e.conversation_id = c.conversation_id AND e.seq > c.seq AND e.type = ?",
            (RECORD,),
        )
        for current, conversation_id, later in rows.fetchall():
            old, new = (self._body(seq) for seq in (current, later))
            if old and new and compare(new, old) in (Change.NEWER, Change.MASKING, Change.ERASURE):
                yield "current", current, f"conversation {conversation_id} has a newer version, entry {later}"

    def _body(self, seq: int) -> bytes | None:
        for row in self._connection.execute(f"{_BODIES} WHERE e.seq = ?", (seq,)):
            return self._opened(row[6], row[9], row[10])
        return None

    def _erasure_strays(self) -> Iterator[tuple[str, int | None, str]]:
        """What LivePerson took back, as the chain tells it, against what is listed."""
        rows = self._connection.execute(
            "SELECT e.seq FROM entries e WHERE e.type IN (SELECT value FROM json_each(?))"
            " AND e.seq NOT IN (SELECT seq FROM erasures)",
            (encode(TAKEN_BACK).decode(),),
        )
        for (seq,) in rows:
            yield "erasures", seq, "what LivePerson took back is not listed"
        rows = self._connection.execute(
            "SELECT seq, conversation_id, kind, record, state, decision, decided_at, decided_by, reason FROM erasures"
        )
        for row in rows:
            if not self._is_told(*row):
                yield "erasures", row[0], "is listed as what LivePerson took back otherwise than the chain says"

    def _is_told(self, seq: int, conversation_id: str, kind: str, record: int, state: str, *decided: Any) -> bool:
        event, decision = self._event(seq), self._event(decided[0])
        if event is None or event[:2] != (kind, conversation_id) or event[3].get("record") != record:
            return False
        if decision is None:
            by_policy = {"follow": "followed", "keep": "kept", "ask": "pending"}.get(str(event[3].get("policy")))
            return state in (by_policy, "superseded" if kind == FEWER else by_policy) and decided == (None,) * 4
        said = decision[3]
        told = (said.get("of"), said.get("decision"), decision[2], said.get("by"), said.get("reason"))
        return decision[:2] == (DECIDED, conversation_id) and told == (seq, state, *decided[1:])

    def _event(self, seq: int | None) -> tuple[str, str, str, dict[str, Any]] | None:
        """Type, conversation, time, and what it says."""
        for row in self._connection.execute(f"{_BODIES} WHERE e.seq = ?", (seq,)):
            raw = self._opened(row[6], row[9], row[10])
            said = decode(raw) if raw else None
            return row[4], row[2], row[3], said if isinstance(said, dict) else {}
        return None
