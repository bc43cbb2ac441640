"""Appends to the vault: the chain's next entries, and the effect of each read of a conversation."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import zstandard

from archiver.archive.chain import GENESIS, SALT_BYTES, Entry, commit, fingerprint_of, link
from archiver.archive.events import RECORD
from archiver.archive.vault import Vault
from archiver.archive.versions import Change, compare, latest_moment
from archiver.errors import ArchiveError, IntegrityError
from archiver.jsontext import canonical, decode, encode
from archiver.model import to_ms
from archiver.rawrecord import peek_if_readable
from archiver.received import Conversation, Unreadable
from archiver.value import Value

SECOND_LOOK = timedelta(minutes=15)  # a replica that lags behind has caught up by then
_COMPRESSION_LEVEL = 3


class AppendResult(Value):
    """The effect of a read: the entry that holds its content, the time since which the content is known, and its
    difference from the version before.

    `is_new`: the entry was made for this read. `latest_at`: the latest moment in the record; None if the record was not
    decoded.
    """

    conversation_id: str
    seq: int
    change: Change
    is_new: bool
    since: datetime
    latest_at: datetime | None = None


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
        self.compress = zstandard.ZstdCompressor(level=_COMPRESSION_LEVEL).compress

    def stage(
        self, type_: str, conversation_id: str, raw: bytes, fingerprint: bytes, at: datetime, rows: PendingRows
    ) -> int:  # fmt: skip
        """Makes the next entry, to be written with the other rows; its sequence number."""
        salt = secrets.token_bytes(SALT_BYTES)
        seq, prev = rows.end or self.end()
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
        rows.add(entry, link(entry), salt, self.compress(raw))
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

    def insert(self, type_: str, conversation_id: str, raw: bytes, fingerprint: bytes, at: datetime) -> int:
        """Writes one entry; its sequence number."""
        rows = PendingRows()
        seq = self.stage(type_, conversation_id, raw, fingerprint, at, rows)
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


class VaultWriter(Vault):
    """The vault with its writers, for the archive's own methods. Writes happen inside a transaction of the archive."""

    def __init__(self, connection: sqlite3.Connection, account: str, key: bytes) -> None:
        super().__init__(connection, key)
        self._chain = ChainWriter(connection, account)

    def append(self, conversations: Iterable[Conversation], *, fetched_at: datetime) -> list[AppendResult]:
        """Keeps each read of a conversation whose content is new, and makes it current where its `Change` allows that.

        A read that may not become current is kept once. An earlier state of the conversation that LivePerson still
        returns after a while (`SECOND_LOOK`) becomes current after all. An unchanged read is not decoded, a changed one
        once.
        """
        reads = list(conversations)
        fingerprints, results, firsts = self._current_fingerprints(reads), [], PendingRows()
        for conversation in reads:
            fingerprint = fingerprint_of(self._key, conversation.raw, is_open=conversation.is_open)
            current = fingerprints.get(conversation.id)
            if current is None:
                results.append(self._append_first(conversation, fingerprint, fetched_at, firsts))
                fingerprints[conversation.id] = (results[-1].seq, fingerprint)
            elif current[1] == fingerprint:
                results.append(AppendResult(conversation.id, current[0], Change.SAME, False, fetched_at))
            else:
                self._chain.write(firsts)
                results.append(self._append_changed(conversation, fingerprint, current[0], fetched_at))
                fingerprints |= self._current_fingerprints([conversation])
        self._chain.write(firsts)
        return results

    def _append_first(
        self, conversation: Conversation, fingerprint: bytes, fetched_at: datetime, rows: PendingRows
    ) -> AppendResult:  # fmt: skip
        is_unfinished = conversation.is_open or conversation.is_partial
        latest_at = latest_moment(_decoded(conversation.raw)) if is_unfinished else None
        return self._append(conversation, fingerprint, Change.FIRST, fetched_at, rows, latest_at)

    def _append_changed(
        self, conversation: Conversation, fingerprint: bytes, current: int, fetched_at: datetime
    ) -> AppendResult:  # fmt: skip
        """The effect of a read that differs from the current version."""
        record = _decoded(conversation.raw)
        change, latest_at = self._compare(record, conversation.id), latest_moment(record)
        if change is Change.SAME:
            return AppendResult(conversation.id, current, change, False, fetched_at, latest_at)
        # A lagging replica may still return text that the archive already removed: never store it again.
        removed = None if change.is_current else self._removed(conversation.id, fingerprint)
        if removed:
            return AppendResult(conversation.id, removed, change, False, fetched_at, latest_at)
        after = 0 if change is Change.LESS_DETAIL else current
        earlier = None if change.is_current else self._with_fingerprint(conversation.id, fingerprint, after)
        if earlier and not (change is Change.STALE and abs(fetched_at - earlier[1]) >= SECOND_LOOK):
            return AppendResult(conversation.id, earlier[0], change, False, earlier[1], latest_at)
        rows = PendingRows()
        change = Change.NEWER if earlier else change
        result = self._append(conversation, fingerprint, change, fetched_at, rows, latest_at)
        self._chain.write(rows)
        return result

    def _append(
        self, conversation: Conversation, fingerprint: bytes, change: Change, fetched_at: datetime, rows: PendingRows,
        latest_at: datetime | None,
    ) -> AppendResult:  # fmt: skip
        seq = self._chain.stage(RECORD, conversation.id, conversation.raw, fingerprint, fetched_at, rows)
        if change.is_current:
            rows.make_current(conversation, seq)
        return AppendResult(conversation.id, seq, change, True, fetched_at, latest_at)

    def _compare(self, record: Any, conversation_id: str) -> Change:
        """Compares with the current version, if that can be read."""
        try:
            return compare(record, decode(self.current(conversation_id).raw))
        except (IntegrityError, ValueError):
            return Change.NEWER

    def append_again(self, seq: int, *, at: datetime) -> int:
        """Appends the content of an older entry again, as the current version; its new sequence number."""
        raw = self.entry_raw(seq)
        conversation_id, fingerprint = self._connection.execute(
            "SELECT conversation_id, fingerprint FROM entries WHERE seq = ?", (seq,)
        ).fetchone()
        new = self._chain.insert(RECORD, conversation_id, raw, fingerprint, at)
        self._connection.execute(
            "UPDATE current SET seq = ?, messages = ? WHERE conversation_id = ?",
            (new, peek_if_readable(raw).message_count, conversation_id),
        )
        return new

    def note_deep(self, reads: Iterable[tuple[Conversation, AppendResult]]) -> None:
        """Notes which current versions hold all that a look-up by id returned, by the effects of these reads."""
        deep = [read.id for read, result in reads if read.is_deep and result.change.holds_all]
        self._connection.execute(
            "UPDATE current SET deep = seq WHERE deep IS NOT seq AND conversation_id IN"
            " (SELECT value FROM json_each(?))",
            (encode(deep).decode(),),
        )

    def append_event(self, type_: str, conversation_id: str, content: dict[str, Any], *, at: datetime) -> int:
        """Appends an event (`archiver.archive.events`) to the chain; its sequence number."""
        body = canonical(content)
        return self._chain.insert(type_, conversation_id, body, fingerprint_of(self._key, body), at)

    def remove_bodies(self, seqs: Iterable[int]) -> None:
        """Removes records and their salts; their entries stay, and reveal nothing about what they held.

        The caller records it in the chain in the same transaction.
        """
        self._connection.executemany("DELETE FROM bodies WHERE seq = ?", ((seq,) for seq in seqs))

    def quarantine(self, unreadable: Unreadable, *, fetched_at: datetime) -> None:
        """Keeps the bytes of a record that has no readable id, once."""
        self._connection.execute(
            "INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?)",
            (
                hashlib.sha256(unreadable.raw).digest(), fetched_at.isoformat(timespec="milliseconds"),
                unreadable.reason, self._chain.compress(unreadable.raw),
            ),
        )  # fmt: skip


def _decoded(raw: bytes) -> Any:
    """A record's value; None if it can't be decoded."""
    try:
        return decode(raw)
    except ValueError:
        return None
