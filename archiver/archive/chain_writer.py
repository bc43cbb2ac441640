"""Makes the next entries of the vault's chain and writes them."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime
from typing import Any

from archiver.archive.bodies import BodyWriter
from archiver.archive.chain import GENESIS, SALT_BYTES, Content, Entry, commit, link
from archiver.errors import ArchiveError
from archiver.model import to_ms
from archiver.received import Conversation


class PendingRows:
    """Rows to be written together, and the chain's end after them."""

    def __init__(self) -> None:
        self.end: tuple[int, bytes] | None = None
        self.clear()

    def clear(self) -> None:
        self.entries: list[tuple[Any, ...]] = []
        self.bodies: list[tuple[int, bytes, bytes]] = []
        self.current: list[tuple[str, int, int, int | None]] = []
        self.end = None

    def add(self, entry: Entry, chained: bytes, salt: bytes, body: bytes) -> None:
        self.entries.append(
            (
                entry.seq, entry.account, entry.conversation_id, entry.fetched_at, entry.type, entry.fingerprint,
                entry.commitment, entry.size, entry.prev, chained,
            )
        )  # fmt: skip
        self.bodies.append((entry.seq, salt, body))
        self.end = entry.seq, chained

    def make_current(self, conversation: Conversation, seq: int) -> None:
        started = to_ms(conversation.started_at) if conversation.started_at else None
        self.current.append((conversation.id, seq, conversation.message_count, started))


class ChainWriter:
    """Makes the next entries of the chain, and writes several at a time."""

    def __init__(self, connection: sqlite3.Connection, account: str) -> None:
        self._connection = connection
        self._account = account
        self.bodies = BodyWriter(connection)

    def stage(self, type_: str, conversation_id: str, content: Content, at: datetime, rows: PendingRows) -> int:
        """Makes the next entry, to be written with the other rows; its sequence number."""
        salt = secrets.token_bytes(SALT_BYTES)
        seq, prev = rows.end or self.end()
        entry = Entry(
            seq=seq + 1,
            account=self._account,
            conversation_id=conversation_id,
            fetched_at=at.isoformat(timespec="milliseconds"),
            type=type_,
            fingerprint=content.fingerprint,
            commitment=commit(salt, content.digest),
            size=len(content.raw),
            prev=prev,
        )
        rows.add(entry, link(entry), salt, self.bodies.compress(content.raw))
        return entry.seq

    def write(self, rows: PendingRows) -> None:
        """Writes all rows and leaves none pending."""
        execute = self._connection.executemany
        execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows.entries)
        execute("INSERT INTO bodies VALUES (?, ?, ?)", rows.bodies)
        current = [(*row, row[1]) for row in rows.current]
        execute("INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?, NULL, ?)", current)
        now_current = {row[1] for row in rows.current}
        touched = [(row[0], row[2]) for row in rows.entries if row[2] and row[0] not in now_current]
        execute("UPDATE current SET touched = ? WHERE conversation_id = ?", touched)
        rows.clear()

    def insert(self, type_: str, conversation_id: str, content: Content, at: datetime) -> int:
        """Writes one entry; its sequence number."""
        rows = PendingRows()
        seq = self.stage(type_, conversation_id, content, at, rows)
        self.write(rows)
        return seq

    def end(self) -> tuple[int, bytes]:
        """The newest sequence number and its link; 0 and zeros for an empty chain. Raises ArchiveError if the newest
        entry is too damaged to be followed by another.
        """
        row = self._connection.execute("SELECT seq, link FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        if row and not isinstance(row[1], bytes):
            raise ArchiveError(
                f"the row of vault entry {row[0]} is damaged",
                hint="Restore the file from a backup; do not harvest into it.",
            )
        return (int(row[0]), row[1]) if row else (0, GENESIS)
