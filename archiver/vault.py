"""Raw conversation records, append-only and hash-chained. Part of the archive's SQLite file."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import zstandard

from archiver.chain import GENESIS, SALT_BYTES, commit, fingerprint, link
from archiver.encoding import canonical
from archiver.errors import IntegrityError, NotFound
from archiver.events import RECORD
from archiver.model import Conversation, Entry, Unreadable, to_ms
from archiver.records import count_messages
from archiver.versions import Change, compare

SECOND_LOOK = timedelta(minutes=15)  # a replica that lags behind has caught up by then
_LEVEL = 3
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Kept:
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
        self._account = account
        self._key = key
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
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

    def start_of(self, conversation_id: str) -> int | None:
        """When a conversation started, by what is noted beside its current version, in milliseconds."""
        row = self._connection.execute(
            "SELECT started_ms FROM current WHERE conversation_id = ?", (conversation_id,)
        ).fetchone()
        return row[0] if row else None

    def totals(self) -> tuple[int, int]:
        """How many conversations there are, and how many messages in their current versions."""
        row = self._connection.execute("SELECT count(*), coalesce(sum(messages), 0) FROM current").fetchone()
        return int(row[0]), int(row[1])

    def append(self, conversation: Conversation, *, fetched_at: datetime) -> Kept:
        """Keeps a read of a conversation if its content is new, and makes it current if it may take that place.

        What is no change for the better (`versions.Change`) is kept once and does not become current; only an earlier
        state of the conversation does that says the same again after a while (`SECOND_LOOK`).
        """
        print_ = fingerprint(self._key, conversation.raw)
        known = self._current_fingerprint(conversation.id)
        if known is None:
            return self._keep(conversation, print_, Change.FIRST, fetched_at)
        current, current_print = known
        if current_print == print_:
            return Kept(conversation.id, current, Change.SAME, False, fetched_at)
        change = self._compare(conversation)
        after = 0 if change is Change.SHALLOWER else current
        earlier = None if change.is_current else self._with_fingerprint(conversation.id, print_, after)
        if earlier is None:
            return self._keep(conversation, print_, change, fetched_at)
        seq, since = earlier
        if change is Change.STALE and fetched_at - since >= SECOND_LOOK:
            return self._keep(conversation, print_, Change.NEWER, fetched_at)
        return Kept(conversation.id, seq, change, False, since)

    def _keep(self, conversation: Conversation, print_: bytes, change: Change, fetched_at: datetime) -> Kept:
        seq = self._insert(RECORD, conversation.id, conversation.raw, print_, fetched_at)
        if change.is_current:
            started = to_ms(conversation.started_at) if conversation.started_at else None
            self._connection.execute(
                "INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?)",
                (conversation.id, seq, count_messages(conversation.raw), started),
            )
        return Kept(conversation.id, seq, change, True, fetched_at)

    def restate(self, seq: int, *, at: datetime) -> int:
        """Keeps what an older entry holds once more, as the current version; its new sequence number."""
        raw = self.entry_raw(seq)
        conversation_id, print_ = self._connection.execute(
            "SELECT conversation_id, fingerprint FROM entries WHERE seq = ?", (seq,)
        ).fetchone()
        new = self._insert(RECORD, conversation_id, raw, print_, at)
        self._connection.execute(
            "UPDATE current SET seq = ?, messages = ? WHERE conversation_id = ?",
            (new, count_messages(raw), conversation_id),
        )
        return new

    def note(self, type_: str, conversation_id: str, said: dict[str, Any], *, at: datetime) -> int:
        """Records an event (`archiver.events`) in the chain; its sequence number."""
        body = canonical(said)
        return self._insert(type_, conversation_id, body, fingerprint(self._key, body), at)

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
        return [item for item in conversations if self._is_changed(item)]

    def _is_changed(self, conversation: Conversation) -> bool:
        known = self._current_fingerprint(conversation.id)
        if known is None:
            return False
        print_ = fingerprint(self._key, conversation.raw)
        return known[1] != print_ and self._with_fingerprint(conversation.id, print_) is None

    def _compare(self, conversation: Conversation) -> Change:
        """With the current version, as far as that can be read."""
        try:
            return compare(conversation.raw, self.current(conversation.id).raw)
        except IntegrityError:
            return Change.NEWER

    def _with_fingerprint(self, conversation_id: str, print_: bytes, after: int = 0) -> tuple[int, datetime] | None:
        """The newest entry of a conversation with a content, if it has one after a sequence number."""
        row = self._connection.execute(
            "SELECT seq, fetched_at FROM entries WHERE conversation_id = ? AND seq > ? AND fingerprint = ?"
            " ORDER BY seq DESC LIMIT 1",
            (conversation_id, after, print_),
        ).fetchone()
        return (row[0], datetime.fromisoformat(row[1])) if row else None

    def _insert(self, type_: str, conversation_id: str, raw: bytes, print_: bytes, at: datetime) -> int:
        salt = secrets.token_bytes(SALT_BYTES)
        seq, prev = self._end_of_chain()
        entry = Entry(
            seq=seq + 1,
            account=self._account,
            conversation_id=conversation_id,
            fetched_at=at.isoformat(timespec="milliseconds"),
            type=type_,
            fingerprint=print_,
            commitment=commit(salt, raw),
            size=len(raw),
            prev=prev,
        )
        self._connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.seq, entry.account, entry.conversation_id, entry.fetched_at, entry.type, entry.fingerprint,
                entry.commitment, entry.size, entry.prev, link(entry),
            ),
        )  # fmt: skip
        self._connection.execute(
            "INSERT INTO bodies VALUES (?, ?, ?)", (entry.seq, salt, self._compressor.compress(raw))
        )
        return entry.seq

    def _current_fingerprint(self, conversation_id: str) -> tuple[int, bytes] | None:
        row = self._connection.execute(
            "SELECT seq, fingerprint FROM current JOIN entries USING (seq) WHERE current.conversation_id = ?",
            (conversation_id,),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def _end_of_chain(self) -> tuple[int, bytes]:
        row = self._connection.execute("SELECT seq, link FROM entries ORDER BY seq DESC LIMIT 1").fetchone()
        return (int(row[0]), bytes(row[1])) if row else (0, GENESIS)

    def set_aside(self, unreadable: Unreadable, *, fetched_at: datetime) -> None:
        """Keeps the bytes of a record that has no readable id, once."""
        self._connection.execute(
            "INSERT OR IGNORE INTO aside VALUES (?, ?, ?, ?)",
            (
                hashlib.sha256(unreadable.raw).digest(), fetched_at.isoformat(timespec="milliseconds"),
                unreadable.reason, self._compressor.compress(unreadable.raw),
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
        seq, chained = self._end_of_chain()
        return seq, chained.hex()

    def link_at(self, seq: int) -> str | None:
        row = self._connection.execute("SELECT link FROM entries WHERE seq = ?", (seq,)).fetchone()
        return bytes(row[0]).hex() if row else None
