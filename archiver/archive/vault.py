"""Raw conversation records, append-only and hash-chained. Part of the archive's SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import zstandard

from archiver.archive.append import Batch, ChainWriter
from archiver.archive.chain import commit, fingerprint_of
from archiver.archive.events import RECORD
from archiver.archive.versions import Change, compare
from archiver.errors import IntegrityError, NotFound
from archiver.jsontext import canonical, encode
from archiver.model import Conversation, Unreadable
from archiver.rawrecord import count_messages

SECOND_LOOK = timedelta(minutes=15)  # a replica that lags behind has caught up by then
_BATCH = 200


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What became of a read: the entry that holds its content, since when, and what it is against the one before.

    `is_new`: the entry was made for it.
    """

    conversation_id: str
    seq: int
    change: Change
    is_new: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """The current version of a conversation: its exact bytes and the entry that holds them.

    `is_first`: the vault has no earlier version of it.
    """

    seq: int
    conversation_id: str
    fetched_at: str
    is_first: bool
    raw: bytes


_RECORDS = (
    "SELECT c.seq, c.conversation_id, fetched_at, commitment, salt, body, NOT EXISTS ("
    "SELECT 1 FROM entries e WHERE e.conversation_id = c.conversation_id AND e.seq < c.seq)"
    " FROM current c JOIN entries USING (seq) JOIN bodies USING (seq)"
)


class Vault:
    """Writes happen inside `Archive.transaction`; reads anywhere."""

    def __init__(self, connection: sqlite3.Connection, account: str, key: bytes) -> None:
        self._connection = connection
        self._entries = ChainWriter(connection, account)
        self._key = key
        self._decompressor = zstandard.ZstdDecompressor()

    def head(self) -> int:
        """The newest sequence number; 0 for an empty vault."""
        (seq,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
        return int(seq)

    def started(self, width_ms: int) -> Iterator[tuple[int, int]]:
        """How many conversations started in each multiple of a width since the epoch: (multiple, how many)."""
        rows = self._connection.execute(
            "SELECT started_ms / ?, count(*) FROM current WHERE started_ms IS NOT NULL GROUP BY 1", (width_ms,)
        )
        yield from rows

    def totals(self) -> tuple[int, int]:
        """How many conversations there are, and how many messages in their current versions."""
        row = self._connection.execute("SELECT count(*), coalesce(sum(messages), 0) FROM current").fetchone()
        return int(row[0]), int(row[1])

    def append(self, conversations: Iterable[Conversation], *, fetched_at: datetime) -> list[AppendResult]:
        """Keeps each read of a conversation whose content is new, and makes it current if it may take that place.

        What is no change for the better (`versions.Change`) is kept once and does not become current; only an earlier
        state of the conversation does that says the same again after a while (`SECOND_LOOK`).
        """
        reads = list(conversations)
        known, kept, firsts = self._fingerprints(reads), [], Batch()
        for conversation in reads:
            fingerprint = fingerprint_of(self._key, conversation.raw, is_open=conversation.is_open)
            current = known.get(conversation.id)
            if current is None:
                kept.append(self._keep(conversation, fingerprint, Change.FIRST, fetched_at, firsts))
                known[conversation.id] = (kept[-1].seq, fingerprint)
            elif current[1] == fingerprint:
                kept.append(AppendResult(conversation.id, current[0], Change.SAME, False, fetched_at))
            else:
                self._entries.write(firsts)
                kept.append(self._change(conversation, fingerprint, current[0], fetched_at))
                known |= self._fingerprints([conversation])
        self._entries.write(firsts)
        return kept

    def _change(
        self, conversation: Conversation, fingerprint: bytes, current: int, fetched_at: datetime
    ) -> AppendResult:
        """What becomes of a read that differs from the current version."""
        change = self._compare(conversation)
        if change is Change.SAME:
            return AppendResult(conversation.id, current, change, False, fetched_at)
        removed = None if change.is_current else self._removed(conversation.id, fingerprint)
        if removed:  # what was taken back does not come back by the way
            return AppendResult(conversation.id, removed, change, False, fetched_at)
        after = 0 if change is Change.LESS_DETAIL else current
        earlier = None if change.is_current else self._with_fingerprint(conversation.id, fingerprint, after)
        if earlier and not (change is Change.STALE and fetched_at - earlier[1] >= SECOND_LOOK):
            return AppendResult(conversation.id, earlier[0], change, False, earlier[1])
        batch = Batch()
        kept = self._keep(conversation, fingerprint, Change.NEWER if earlier else change, fetched_at, batch)
        self._entries.write(batch)
        return kept

    def _keep(
        self, conversation: Conversation, fingerprint: bytes, change: Change, fetched_at: datetime, batch: Batch
    ) -> AppendResult:  # fmt: skip
        """Makes an entry of a read, to be written with its batch."""
        seq = self._entries.stage(RECORD, conversation.id, conversation.raw, fingerprint, fetched_at, batch)
        if change.is_current:
            batch.make_current(conversation, seq)
        return AppendResult(conversation.id, seq, change, True, fetched_at)

    def restate(self, seq: int, *, at: datetime) -> int:
        """Keeps what an older entry holds once more, as the current version; its new sequence number."""
        raw = self.entry_raw(seq)
        conversation_id, fingerprint = self._connection.execute(
            "SELECT conversation_id, fingerprint FROM entries WHERE seq = ?", (seq,)
        ).fetchone()
        new = self._entries.insert(RECORD, conversation_id, raw, fingerprint, at)
        self._connection.execute(
            "UPDATE current SET seq = ?, messages = ? WHERE conversation_id = ?",
            (new, count_messages(raw), conversation_id),
        )
        return new

    def note(self, type_: str, conversation_id: str, said: dict[str, Any], *, at: datetime) -> int:
        """Records an event (`archiver.events`) in the chain; its sequence number."""
        body = canonical(said)
        return self._entries.insert(type_, conversation_id, body, fingerprint_of(self._key, body), at)

    def older_bodies(self, conversation_id: str, before: int) -> list[int]:
        """The entries before one of a conversation's whose records are still there."""
        rows = self._connection.execute(
            "SELECT seq FROM entries JOIN bodies USING (seq)"
            " WHERE conversation_id = ? AND type = ? AND seq < ? ORDER BY seq",
            (conversation_id, RECORD, before),
        )
        return [row[0] for row in rows]

    def remove_bodies(self, seqs: Iterable[int]) -> None:
        """Throws records and their salts away; their entries stay, and say nothing any more about what they held.

        The caller records it in the chain in the same transaction.
        """
        self._connection.executemany("DELETE FROM bodies WHERE seq = ?", ((seq,) for seq in seqs))

    def entry_raw(self, seq: int) -> bytes:
        """The exact bytes that an entry holds. Raises NotFound if they are gone, IntegrityError if they are others."""
        row = self._connection.execute(
            "SELECT seq, conversation_id, fetched_at, commitment, salt, body, 0"
            " FROM entries JOIN bodies USING (seq) WHERE seq = ?",
            (seq,),
        ).fetchone()
        if row is None:
            raise NotFound(f"the vault has no body of entry {seq}")
        return self._record(row).raw

    def changed(self, conversations: Iterable[Conversation]) -> list[Conversation]:
        """Those that the vault knows, and knows only with another content than this."""
        reads = list(conversations)
        known = self._fingerprints(reads)
        return [item for item in reads if item.id in known and self._is_changed(item, known[item.id][1])]

    def _is_changed(self, conversation: Conversation, known: bytes) -> bool:
        fingerprint = fingerprint_of(self._key, conversation.raw, is_open=conversation.is_open)
        if known == fingerprint or self._with_fingerprint(conversation.id, fingerprint):
            return False
        return self._compare(conversation) is not Change.SAME

    def _removed(self, conversation_id: str, fingerprint: bytes) -> int | None:
        """The entry of a conversation that held a content which was removed."""
        row = self._connection.execute(
            "SELECT seq FROM entries e WHERE conversation_id = ? AND fingerprint = ?"
            " AND NOT EXISTS (SELECT 1 FROM bodies b WHERE b.seq = e.seq)",
            (conversation_id, fingerprint),
        ).fetchone()
        return row[0] if row else None

    def _compare(self, conversation: Conversation) -> Change:
        """With the current version, as far as that can be read."""
        try:
            return compare(conversation.raw, self.current(conversation.id).raw)
        except IntegrityError:
            return Change.NEWER

    def _with_fingerprint(
        self, conversation_id: str, fingerprint: bytes, after: int = 0
    ) -> tuple[int, datetime] | None:
        """The newest entry of a conversation with a content, if it has one after a sequence number."""
        row = self._connection.execute(
            "SELECT seq, fetched_at FROM entries WHERE conversation_id = ? AND seq > ? AND fingerprint = ?"
            " ORDER BY seq DESC LIMIT 1",
            (conversation_id, after, fingerprint),
        ).fetchone()
        return (row[0], datetime.fromisoformat(row[1])) if row else None

    def _fingerprints(self, conversations: Iterable[Conversation]) -> dict[str, tuple[int, bytes]]:
        """Entry and fingerprint of the current versions of those that the vault knows."""
        rows = self._connection.execute(
            "SELECT c.conversation_id, seq, fingerprint FROM current c JOIN entries USING (seq)"
            " WHERE c.conversation_id IN (SELECT value FROM json_each(?))",
            (encode([item.id for item in conversations]).decode(),),
        )
        return {id_: (seq, fingerprint) for id_, seq, fingerprint in rows}

    def set_aside(self, unreadable: Unreadable, *, fetched_at: datetime) -> None:
        """Keeps the bytes of a record that has no readable id, once."""
        self._connection.execute(
            "INSERT OR IGNORE INTO aside VALUES (?, ?, ?, ?)",
            (
                hashlib.sha256(unreadable.raw).digest(), fetched_at.isoformat(timespec="milliseconds"),
                unreadable.reason, self._entries.compress(unreadable.raw),
            ),
        )  # fmt: skip

    def count_aside(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM aside").fetchone()
        return int(count)

    def after(self, seq: int) -> Iterator[Record]:
        """The current versions kept after `seq`, in order of their sequence numbers, a few at a time in memory."""
        while batch := self._batch_after(seq):
            yield from batch
            seq = batch[-1].seq

    def _batch_after(self, seq: int) -> list[Record]:
        rows = self._connection.execute(
            f"{_RECORDS} WHERE c.seq > ? ORDER BY c.seq LIMIT ?",
            (seq, _BATCH),
        ).fetchall()
        return [self._record(row) for row in rows]

    def current(self, conversation_id: str) -> Record:
        """The current version of a conversation. Raises NotFound, or IntegrityError if its body was changed."""
        row = self._connection.execute(
            f"{_RECORDS} WHERE c.conversation_id = ?",
            (conversation_id,),
        ).fetchone()
        if row is None:
            raise NotFound(
                f"the archive has no conversation {conversation_id!r}",
                hint="Copy the id from the output of: archiver search",
            )
        return self._record(row)

    def count_after(self, seq: int) -> int:
        """How many conversations have a current version kept after `seq`."""
        (count,) = self._connection.execute("SELECT count(*) FROM current WHERE seq > ?", (seq,)).fetchone()
        return int(count)

    def _record(self, row: tuple[int, str, str, bytes, bytes, bytes, int]) -> Record:
        seq, conversation_id, fetched_at, commitment, salt, body, is_first = row
        try:
            raw = self._decompressor.decompress(body)
        except zstandard.ZstdError as error:
            raise IntegrityError(f"the body of vault entry {seq} is damaged: {error}", seq=seq) from error
        if commit(salt, raw) != commitment:
            raise IntegrityError(f"the body of vault entry {seq} is not what was kept", seq=seq)
        return Record(seq, conversation_id, fetched_at, bool(is_first), raw)

    def end(self) -> tuple[int, str]:
        """The newest sequence number and its link, which vouches for all before it: worth noting elsewhere."""
        seq, chained = self._entries.end()
        return seq, chained.hex()

    def link_at(self, seq: int) -> str | None:
        row = self._connection.execute("SELECT link FROM entries WHERE seq = ?", (seq,)).fetchone()
        return bytes(row[0]).hex() if row else None
