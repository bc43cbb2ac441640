"""Reads the raw conversation records, append-only and hash-chained. Part of the archive's SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from archiver.archive.bodies import BodyReader
from archiver.archive.chain import (
    GENESIS,
    Content,
    Entry,
    content_of,
    described,
    entry_of,
    in_hex,
    link,
    older_fingerprint,
)
from archiver.archive.events import RECORD
from archiver.archive.records import Evidence, HistoryEntry, QuarantinedRecord, Record
from archiver.archive.rows import VaultRows
from archiver.archive.stored import newest_entry_at, stored_moment
from archiver.archive.versions import compare_raw
from archiver.errors import ArchiverError, IntegrityError, NotFound, no_conversation
from archiver.jsontext import encode
from archiver.model import EPOCH
from archiver.received import Conversation

_BATCH = 200
_REPAIR = "Which version is current follows from the vault's chain: archiver verify --repair"
_DAMAGED = "List every fault: archiver verify --no-index. Restore the archive's file from a backup, then harvest again."


Fingerprints = tuple[bytes, bytes]  # of one content, by the rules of this format and of those before
_ENTRY_WITH_BODY = (
    "SELECT e.seq, e.account, e.conversation_id, e.fetched_at, e.type, e.fingerprint, e.commitment, e.size, e.prev,"
    " e.link, salt, body FROM entries e JOIN bodies b USING (seq)"
)
# Outer joins: a current version whose entry or body is missing is an error, never left out.
_RECORDS = (
    "SELECT c.conversation_id, c.seq, c.touched,"
    " NOT EXISTS (SELECT 1 FROM entries o WHERE o.conversation_id = c.conversation_id AND o.seq < c.seq),"
    " (SELECT max(n.seq) FROM entries n WHERE n.conversation_id = c.conversation_id AND n.seq > c.seq"
    " AND n.type = 'record'),"
    " e.seq, e.account, e.conversation_id, e.fetched_at, e.type, e.fingerprint, e.commitment, e.size, e.prev,"
    " e.link, salt, body"
    " FROM current c LEFT JOIN entries e ON e.seq = c.seq LEFT JOIN bodies b ON b.seq = c.seq"
)
_HISTORY = (
    "SELECT e.seq, e.fetched_at, e.type, e.size, b.seq IS NOT NULL, c.seq IS NOT NULL FROM entries e"
    " LEFT JOIN bodies b ON b.seq = e.seq LEFT JOIN current c ON c.seq = e.seq"
    " WHERE e.conversation_id = ? ORDER BY e.seq"
)


class Vault(VaultRows):
    """Reads only."""

    def __init__(self, connection: sqlite3.Connection, key: bytes) -> None:
        super().__init__(connection)
        self._key = key
        self._bodies = BodyReader(connection)

    def end(self) -> tuple[int, str]:
        """The newest sequence number and its link in hexadecimal, which covers all entries before it."""
        row = self._connection.execute("SELECT seq, link FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), in_hex(row[1])) if row else (0, GENESIS.hex())

    def noted_head(self) -> str:
        """The head as `verify --head` takes it, to be noted in another place: SEQ:LINK."""
        seq, link_ = self.end()
        return f"{seq}:{link_}"

    def newest_at(self) -> datetime | None:
        """When the newest entry was made, as `stored.newest_entry_at` says."""
        return newest_entry_at(self._connection)

    def quarantined(self) -> Iterator[QuarantinedRecord]:
        """The unreadable records in quarantine, oldest first. Raises ArchiveError for one that is damaged."""
        rows = self._connection.execute("SELECT digest, fetched_at, reason, body FROM quarantine ORDER BY fetched_at")
        for digest, fetched_at, reason, body in rows:
            raw = self._bodies.quarantined(digest, body)
            if raw is None:
                raise IntegrityError("the bytes of a quarantined record are not what was kept", hint=_DAMAGED)
            yield QuarantinedRecord(digest.hex(), fetched_at, reason, raw)

    def current(self, conversation_id: str) -> Record:
        """The current version of a conversation. Raises NotFound, or IntegrityError if it is not what was kept."""
        row = self._connection.execute(f"{_RECORDS} WHERE c.conversation_id = ?", (conversation_id,)).fetchone()
        if row is None:
            raise self._absent(conversation_id)
        return self._current(*row)

    def _absent(self, conversation_id: str) -> ArchiverError:
        row = self._connection.execute(
            "SELECT max(seq) FROM entries WHERE conversation_id = ?", (conversation_id,)
        ).fetchone()
        if row[0] is not None:
            message = f"conversation {conversation_id} is in the vault, and none of its versions is the current one"
            return IntegrityError(message, seq=row[0], hint=_REPAIR)
        return no_conversation(conversation_id)

    def after(self, seq: int) -> Iterator[Record]:
        """The current versions of conversations about which entries were made after `seq`, in the order of the newest
        of these entries, a few at a time in memory. Raises IntegrityError for one that is not what was kept; after 0,
        also if a conversation has no current version.
        """
        is_everything, count, head = seq == 0, 0, self.head()
        while batch := self._batch_after(seq):
            yield from batch
            seq, count = batch[-1].touched, count + len(batch)
        if is_everything:
            self._check_none_is_left_out(count, head)

    def _batch_after(self, seq: int) -> list[Record]:
        rows = self._connection.execute(
            f"{_RECORDS} WHERE c.touched > ? ORDER BY c.touched LIMIT ?", (seq, _BATCH)
        ).fetchall()
        if not _is_ascending([seq, *(row[2] for row in rows), *([self.head() + 1] if rows else [])]):
            raise IntegrityError("the index of current versions is damaged: it is not in order", hint=_DAMAGED)
        return [self._current(*row) for row in rows]

    def _check_none_is_left_out(self, given: int, head: int) -> None:
        (kept,) = self._connection.execute(
            "SELECT count(DISTINCT conversation_id) FROM entries WHERE conversation_id <> '' AND seq <= ?",
            (head,),
        ).fetchone()
        if kept > given:
            raise IntegrityError(f"the vault has {kept:,} conversations and {given:,} current versions", hint=_REPAIR)

    def history(self, conversation_id: str) -> list[HistoryEntry]:
        """Every version of a conversation and every event about it, oldest first. Raises NotFound."""
        rows = self._connection.execute(_HISTORY, (conversation_id,)).fetchall()
        if not rows:
            raise no_conversation(conversation_id)
        return [
            HistoryEntry(seq, fetched_at, type_, size, bool(has_body), bool(is_current))
            for seq, fetched_at, type_, size, has_body, is_current in rows
        ]

    def entry_raw(self, seq: int) -> bytes:
        """The exact bytes of an entry. Raises NotFound if they were removed, IntegrityError if they were altered."""
        row = self._connection.execute(f"{_ENTRY_WITH_BODY} WHERE e.seq = ?", (seq,)).fetchone()
        if row is None:
            raise NotFound(f"vault entry {seq} has no record: it was removed, or never existed")
        return self._opened(*row)[1]

    def evidence(self, seq: int) -> Evidence:
        """What proves an entry without this archive: its members, link and salt. Raises NotFound."""
        row = self._connection.execute(f"{_ENTRY_WITH_BODY} WHERE e.seq = ?", (seq,)).fetchone()
        if row is None:
            raise NotFound(f"vault entry {seq} has no record: it was removed, or never existed")
        *columns, stored_link, salt, _ = row
        entry = entry_of(columns)
        return Evidence(described(entry), stored_link.hex(), salt.hex())

    def other_versions(self, record: Record) -> list[tuple[int, bytes]]:
        """The other versions of a conversation whose bodies are still there, oldest first: entry and exact bytes.
        Raises IntegrityError.
        """
        rows = self._connection.execute(
            f"{_ENTRY_WITH_BODY} WHERE e.conversation_id = ? AND e.type = ? AND e.seq <> ? ORDER BY e.seq",
            (record.conversation_id, RECORD, record.seq),
        )
        return [(entry.seq, raw) for entry, raw in (self._opened(*row) for row in rows.fetchall())]

    def versions_at(self, conversation_id: str) -> list[tuple[int, datetime]]:
        """Every version of a conversation, also without a body, oldest first: entry, and when it was fetched. Raises
        IntegrityError.
        """
        rows = self._connection.execute(
            "SELECT seq, fetched_at FROM entries WHERE conversation_id = ? AND type = ? ORDER BY seq",
            (conversation_id, RECORD),
        )
        return [(seq, _fetched_at(seq, stored)) for seq, stored in rows.fetchall()]

    def older_bodies(self, conversation_id: str, before: int) -> list[int]:
        """The earlier entries of the same conversation whose records are still there."""
        rows = self._connection.execute(
            "SELECT seq FROM entries JOIN bodies USING (seq)"
            " WHERE conversation_id = ? AND type = ? AND seq < ? ORDER BY seq",
            (conversation_id, RECORD, before),
        )
        return [row[0] for row in rows]

    def changed(self, conversations: Iterable[Conversation]) -> list[Conversation]:
        """Those conversations that the vault has with another content. No record's messages are decoded."""
        reads = list(conversations)
        fingerprints = self._current_fingerprints(reads)
        return [item for item in reads if item.id in fingerprints and self._is_unknown(item, fingerprints[item.id][1])]

    def _is_unknown(self, conversation: Conversation, current: bytes) -> bool:
        content = content_of(self._key, conversation.raw, is_open=conversation.is_open)
        if current == content.fingerprint:
            return False
        fingerprints = self._fingerprints(conversation, content)
        return current not in fingerprints and self._with_fingerprint(conversation.id, fingerprints) is None

    def _fingerprints(self, conversation: Conversation, content: Content) -> Fingerprints:
        """All that an entry with this content may have."""
        older = older_fingerprint(self._key, conversation.raw, is_open=conversation.is_open)
        return content.fingerprint, older

    def _removed(self, conversation_id: str, fingerprints: Fingerprints) -> int | None:
        """The entry of a conversation that held removed content."""
        row = self._connection.execute(
            "SELECT seq FROM entries e WHERE conversation_id = ? AND fingerprint IN (?, ?)"
            " AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.seq = e.seq)",
            (conversation_id, *fingerprints),
        ).fetchone()
        return row[0] if row else None

    def _with_fingerprint(
        self, conversation_id: str, fingerprints: Fingerprints, after: int = 0
    ) -> tuple[int, datetime] | None:
        """The newest entry of a conversation with a content after a sequence number, and when it was fetched."""
        row = self._connection.execute(
            "SELECT seq, fetched_at FROM entries WHERE conversation_id = ? AND seq > ? AND fingerprint IN (?, ?)"
            " ORDER BY seq DESC LIMIT 1",
            (conversation_id, after, *fingerprints),
        ).fetchone()
        return (row[0], stored_moment(row[1]) or EPOCH) if row else None

    def _current_fingerprints(self, conversations: Iterable[Conversation]) -> dict[str, tuple[int, bytes]]:
        """Entry and fingerprint of the current version, by conversation id, for those that the vault has."""
        rows = self._connection.execute(
            "SELECT c.conversation_id, seq, fingerprint FROM current c JOIN entries USING (seq)"
            " WHERE c.conversation_id IN (SELECT value FROM json_each(?))",
            (encode([item.id for item in conversations]).decode(),),
        )
        return {id_: (seq, fingerprint) for id_, seq, fingerprint in rows}

    def _current(
        self, conversation_id: str, seq: int, touched: int, is_first: int, later: int | None, *entry: Any
    ) -> Record:  # fmt: skip
        """The record of a row of `current`, which must point to the newest version of its own conversation."""
        if entry[0] is None:
            message = f"the current version of conversation {conversation_id}, entry {seq}, is not in the vault"
            raise IntegrityError(message, seq=seq, hint=_REPAIR)
        read, raw = self._opened(*entry)
        if (read.conversation_id, read.type) != (conversation_id, RECORD):
            message = f"the current version of conversation {conversation_id}, entry {seq}, is not its own"
            raise IntegrityError(message, seq=seq, hint=_REPAIR)
        if later is not None and self._is_overtaken(raw, later):
            message = f"conversation {conversation_id} has a newer version than its current one, entry {later}"
            raise IntegrityError(message, seq=seq, hint=_REPAIR)
        return Record(seq, conversation_id, read.fetched_at, bool(is_first), raw, touched)

    def _is_overtaken(self, raw: bytes, later: int) -> bool:
        try:
            return compare_raw(self.entry_raw(later), raw).replaces
        except NotFound:  # it was removed, or is missing, which `verify` finds
            return False

    def _opened(self, *row: Any) -> tuple[Entry, bytes]:
        """An entry and its body, from a row of `_ENTRY_WITH_BODY`. Raises IntegrityError if one was changed."""
        *columns, stored_link, salt, body = row
        entry = entry_of(columns)
        if link(entry) != stored_link:
            message = f"vault entry {entry.seq} was changed after it was written"
            raise IntegrityError(message, seq=entry.seq, hint=_DAMAGED)
        raw = self._bodies.opened(entry.commitment, salt, body, entry.size)
        if raw is None:
            message = f"the body of vault entry {entry.seq} is missing, or is not what was kept"
            raise IntegrityError(message, seq=entry.seq, hint=_DAMAGED)
        return entry, raw


def _is_ascending(seqs: Sequence[object]) -> bool:
    """Whether these are numbers, each greater than the one before."""
    return all(isinstance(b, int) and isinstance(a, int) and a < b for a, b in pairwise(seqs))


def _fetched_at(seq: int, stored: object) -> datetime:
    moment = stored_moment(stored)
    if moment is None:
        raise IntegrityError(f"vault entry {seq} does not say readably when it was made", seq=seq, hint=_DAMAGED)
    return moment
