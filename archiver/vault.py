"""Raw conversation records, append-only and hash-chained. Part of the archive's SQLite file."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import zstandard

from archiver.chain import GENESIS, SALT_BYTES, commit, fingerprint, link
from archiver.encoding import decode
from archiver.errors import IntegrityError, NotFound
from archiver.model import Conversation, Entry, Unreadable
from archiver.records import items
from archiver.versions import is_shallower

_LEVEL = 3
_BATCH = 200


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

    def totals(self) -> tuple[int, int]:
        """How many conversations there are, and how many messages in their current versions."""
        row = self._connection.execute("SELECT count(*), coalesce(sum(messages), 0) FROM current").fetchone()
        return int(row[0]), int(row[1])

    def append(self, conversations: Iterable[Conversation], *, fetched_at: datetime) -> int:
        """Keeps each conversation whose content is new, as its current version. Returns how many were.

        What only leaves out something that the current version has (`versions.is_shallower`) is kept once, and does not
        become current.
        """
        return sum(self._append(conversation, fetched_at) for conversation in conversations)

    def _append(self, conversation: Conversation, fetched_at: datetime) -> bool:
        print_ = fingerprint(self._key, conversation.raw)
        known = self._current_fingerprint(conversation.id)
        if known == print_:
            return False
        is_current = known is None or not self._says_less(conversation)
        if not is_current and self._has(conversation.id, print_):
            return False
        salt = secrets.token_bytes(SALT_BYTES)
        seq, prev = self._end_of_chain()
        entry = Entry(
            seq=seq + 1,
            account=self._account,
            conversation_id=conversation.id,
            fetched_at=fetched_at.isoformat(timespec="milliseconds"),
            type="record",
            fingerprint=print_,
            commitment=commit(salt, conversation.raw),
            size=len(conversation.raw),
            prev=prev,
        )
        self._insert(entry, salt, conversation.raw)
        if is_current:
            self._connection.execute(
                "INSERT OR REPLACE INTO current VALUES (?, ?, ?)",
                (conversation.id, entry.seq, count_messages(conversation.raw)),
            )
        return True

    def _says_less(self, conversation: Conversation) -> bool:
        """Than the current version, as far as that can be read."""
        try:
            return is_shallower(conversation.raw, self.current(conversation.id).raw)
        except IntegrityError:
            return False

    def _has(self, conversation_id: str, print_: bytes) -> bool:
        row = self._connection.execute(
            "SELECT 1 FROM entries WHERE conversation_id = ? AND fingerprint = ?", (conversation_id, print_)
        ).fetchone()
        return row is not None

    def _insert(self, entry: Entry, salt: bytes, raw: bytes) -> None:
        self._connection.execute(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                entry.seq, entry.account, entry.conversation_id, entry.fetched_at, entry.type, entry.fingerprint,
                entry.commitment, entry.size, entry.prev, link(entry),
            ),
        )  # fmt: skip
        body = self._compressor.compress(raw)
        self._connection.execute("INSERT INTO bodies VALUES (?, ?, ?)", (entry.seq, salt, body))

    def _current_fingerprint(self, conversation_id: str) -> bytes | None:
        row = self._connection.execute(
            "SELECT fingerprint FROM current JOIN entries USING (seq) WHERE current.conversation_id = ?",
            (conversation_id,),
        ).fetchone()
        return row[0] if row else None

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

    def entries(self) -> Iterator[tuple[Entry, bytes]]:
        """The whole chain in order: each entry with its stored link."""
        rows = self._connection.execute(
            "SELECT seq, account, conversation_id, fetched_at, type, fingerprint, commitment, size, prev, link"
            " FROM entries ORDER BY seq"
        )
        for row in rows:
            yield Entry(*row[:-1]), row[-1]

    def bodies(self) -> Iterator[tuple[Entry, bytes | None, int | None]]:
        """Every entry in order, with its body and how many messages its conversation is said to have.

        The body is None where it is gone or not what was kept; the number where the entry is not the current version.
        """
        rows = self._connection.execute(
            "SELECT e.seq, e.account, e.conversation_id, fetched_at, type, fingerprint, commitment, size, prev, salt,"
            " body, messages FROM entries e LEFT JOIN bodies b ON b.seq = e.seq LEFT JOIN current c ON c.seq = e.seq"
            " ORDER BY e.seq"
        )
        for row in rows:
            yield Entry(*row[:9]), self._opened(row[6], row[9], row[10]), row[11]

    def _opened(self, commitment: bytes, salt: bytes | None, body: bytes | None) -> bytes | None:
        if salt is None or body is None:
            return None
        try:
            raw = self._decompressor.decompress(body)
        except zstandard.ZstdError:
            return None
        return raw if commit(salt, raw) == commitment else None

    def is_fingerprint(self, entry: Entry, raw: bytes) -> bool:
        """Whether an entry's fingerprint is that of a body, by this archive's key."""
        return fingerprint(self._key, raw) == entry.fingerprint

    def strays(self) -> Iterator[tuple[str, int | None, str]]:
        """Rows that belong to nothing, as (table, sequence number, what)."""
        for (seq,) in self._connection.execute("SELECT seq FROM bodies WHERE seq NOT IN (SELECT seq FROM entries)"):
            yield "bodies", seq, "a body without an entry"
        rows = self._connection.execute(
            "SELECT c.seq, c.conversation_id FROM current c LEFT JOIN entries e"
            " ON e.seq = c.seq AND e.conversation_id = c.conversation_id WHERE e.seq IS NULL"
        )
        for seq, conversation_id in rows:
            yield "current", seq, f"conversation {conversation_id} has a current version that is not its own"
        rows = self._connection.execute(
            "SELECT min(seq), conversation_id FROM entries WHERE conversation_id NOT IN"
            " (SELECT conversation_id FROM current) GROUP BY conversation_id"
        )
        for seq, conversation_id in rows:
            yield "current", seq, f"conversation {conversation_id} has no current version"
        for digest, body in self._connection.execute("SELECT digest, body FROM aside"):
            raw = self._opened(digest, b"", body)
            if raw is None:
                yield "aside", None, f"the bytes set aside as {digest.hex()[:16]} are not what was set aside"

    def end(self) -> tuple[int, str]:
        """The newest sequence number and its link, which vouches for all before it: worth noting elsewhere."""
        seq, chained = self._end_of_chain()
        return seq, chained.hex()

    def link_at(self, seq: int) -> str | None:
        row = self._connection.execute("SELECT link FROM entries WHERE seq = ?", (seq,)).fetchone()
        return bytes(row[0]).hex() if row else None


def count_messages(raw: bytes) -> int:
    try:
        return len(items(decode(raw), "messageRecords"))
    except ValueError:
        return 0
