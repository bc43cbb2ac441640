"""The end of the vault's chain: makes the next entries, and writes them several at a time."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime
from typing import Any

import zstandard

from archiver.archive.chain import GENESIS, SALT_BYTES, Entry, commit, link
from archiver.model import Conversation, to_ms

_LEVEL = 3  # of compression


class Batch:
    """Rows to be written together, and where the chain ends with them."""

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
        self.current.append((conversation.id, seq, conversation.messages, started))


class ChainWriter:
    """Writes happen inside `Archive.transaction`."""

    def __init__(self, connection: sqlite3.Connection, account: str) -> None:
        self._connection = connection
        self._account = account
        self.compress = zstandard.ZstdCompressor(level=_LEVEL).compress

    def stage(
        self, type_: str, conversation_id: str, raw: bytes, fingerprint: bytes, at: datetime, batch: Batch
    ) -> int:  # fmt: skip
        """Makes the next entry of the chain, to be written with its batch; its sequence number."""
        salt = secrets.token_bytes(SALT_BYTES)
        seq, prev = batch.end or self.end()
        entry = Entry(
            seq=seq + 1,
            account=self._account,
            conversation_id=conversation_id,
            fetched_at=at.isoformat(timespec="milliseconds"),
            type=type_,
            fingerprint=fingerprint,
            commitment=commit(salt, raw),
            size=len(raw),
            prev=prev,
        )
        batch.add(entry, link(entry), salt, self.compress(raw))
        return entry.seq

    def write(self, batch: Batch) -> None:
        """All rows of a batch, which is empty after that."""
        execute = self._connection.executemany
        execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", batch.entries)
        execute("INSERT INTO bodies VALUES (?, ?, ?)", batch.bodies)
        execute("INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?)", batch.current)
        batch.clear()

    def insert(self, type_: str, conversation_id: str, raw: bytes, fingerprint: bytes, at: datetime) -> int:
        """One entry by itself; its sequence number."""
        batch = Batch()
        seq = self.stage(type_, conversation_id, raw, fingerprint, at, batch)
        self.write(batch)
        return seq

    def end(self) -> tuple[int, bytes]:
        """The newest sequence number and its link; 0 and zeros for an empty chain."""
        row = self._connection.execute("SELECT seq, link FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, GENESIS)
