"""Appends to the vault: the chain's next entries, and the effect of each read of a conversation."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from archiver.archive.chain import Content, content_of
from archiver.archive.chain_writer import ChainWriter, PendingRows
from archiver.archive.events import RECORD
from archiver.archive.recompression import Recompression
from archiver.archive.vault import Vault
from archiver.archive.versions import Change, compare, latest_moment
from archiver.errors import IntegrityError
from archiver.foreground import GiveWay, go_on
from archiver.jsontext import canonical, decode, encode
from archiver.rawrecord import peek_if_readable
from archiver.received import Conversation, Unreadable
from archiver.value import Value, replace

SECOND_LOOK = timedelta(minutes=15)  # a replica that lags behind has caught up by then


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


class VaultWriter(Vault):
    """The vault with its writers, for the archive's own methods. Writes happen inside a transaction of the archive.
    `give_way` is called before each of several entries.
    """

    def __init__(self, connection: sqlite3.Connection, account: str, key: bytes, give_way: GiveWay = go_on) -> None:
        super().__init__(connection, key)
        self._give_way = give_way
        self._chain = ChainWriter(connection, account)
        self.recompression = Recompression(connection, self._chain.bodies)

    def forget(self) -> None:
        """After a rollback: nothing that was not written counts any more."""
        self._chain.bodies.forget()

    def append(self, conversations: Iterable[Conversation], *, fetched_at: datetime) -> list[AppendResult]:
        """Keeps each read of a conversation whose content is new, and makes it current where its `Change` allows that.

        A read that may not become current is kept once. An earlier state of the conversation that LivePerson still
        returns after a while (`SECOND_LOOK`) becomes current after all. An unchanged read is not decoded, a changed one
        once.
        """
        reads = list(conversations)
        fingerprints, results, firsts = self._current_fingerprints(reads), [], PendingRows()
        for conversation in reads:
            self._give_way()
            content = content_of(self._key, conversation.raw, is_open=conversation.is_open)
            current = fingerprints.get(conversation.id)
            if current is None:
                results.append(self._append_first(conversation, content, fetched_at, firsts))
                fingerprints[conversation.id] = (results[-1].seq, content.fingerprint)
            elif current[1] == content.fingerprint:
                results.append(AppendResult(conversation.id, current[0], Change.SAME, False, fetched_at))
            else:
                self._chain.write(firsts)
                results.append(self._append_changed(conversation, content, current, fetched_at))
                fingerprints |= self._current_fingerprints([conversation])
        self._chain.write(firsts)
        self.recompression.note_growth(self.head())
        return results

    def _append_first(
        self, conversation: Conversation, content: Content, fetched_at: datetime, rows: PendingRows
    ) -> AppendResult:  # fmt: skip
        is_unfinished = conversation.is_open or conversation.is_partial
        latest_at = latest_moment(_decoded(conversation.raw)) if is_unfinished else None
        return self._append(conversation, content, Change.FIRST, fetched_at, rows, latest_at)

    def _append_changed(
        self, conversation: Conversation, content: Content, current: tuple[int, bytes], fetched_at: datetime
    ) -> AppendResult:  # fmt: skip
        """The effect of a read that differs from the current version, an entry with a fingerprint, or has a newer
        fingerprint.
        """
        fingerprints = self._fingerprints(conversation, content)
        if current[1] in fingerprints:
            return AppendResult(conversation.id, current[0], Change.SAME, False, fetched_at)
        record = _decoded(conversation.raw)
        change, latest_at = self._compare(record, conversation.id), latest_moment(record)
        if change is Change.SAME:
            return AppendResult(conversation.id, current[0], change, False, fetched_at, latest_at)
        # A lagging replica may still return text that the archive already removed: never store it again.
        removed = None if change.is_current else self._removed(conversation.id, fingerprints)
        if removed:
            return AppendResult(conversation.id, removed, change, False, fetched_at, latest_at)
        after = 0 if change is Change.LESS_DETAIL else current[0]
        earlier = None if change.is_current else self._with_fingerprint(conversation.id, fingerprints, after)
        if earlier and not (change is Change.STALE and abs(fetched_at - earlier[1]) >= SECOND_LOOK):
            return AppendResult(conversation.id, earlier[0], change, False, earlier[1], latest_at)
        rows = PendingRows()
        change = Change.NEWER if earlier else change
        result = self._append(conversation, content, change, fetched_at, rows, latest_at)
        self._chain.write(rows)
        return result

    def _append(
        self, conversation: Conversation, content: Content, change: Change, fetched_at: datetime, rows: PendingRows,
        latest_at: datetime | None,
    ) -> AppendResult:  # fmt: skip
        seq = self._chain.stage(RECORD, conversation.id, content, fetched_at, rows)
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
        content = replace(content_of(self._key, raw), fingerprint=fingerprint)
        new = self._chain.insert(RECORD, conversation_id, content, at)
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
        return self._chain.insert(type_, conversation_id, content_of(self._key, canonical(content)), at)

    def append_events(self, events: Iterable[tuple[str, str]], content: dict[str, Any], *, at: datetime) -> None:
        """Appends events with one content to the chain, given by their types and conversations."""
        rows, shared = PendingRows(), content_of(self._key, canonical(content))
        for type_, conversation_id in events:
            self._give_way()
            self._chain.stage(type_, conversation_id, shared, at, rows)
        self._chain.write(rows)

    def remove_bodies(self, seqs: Iterable[int]) -> None:
        """Removes records and their salts; their entries stay, and reveal nothing about what they held.

        The caller records it in the chain in the same transaction.
        """
        self._connection.executemany("DELETE FROM bodies WHERE seq = ?", ((seq,) for seq in seqs))

    def quarantine(self, unreadable: Unreadable, *, fetched_at: datetime) -> None:
        """Keeps the bytes of a record that has no readable id, once, and when it was last received."""
        self._connection.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET fetched_at = excluded.fetched_at",
            (
                hashlib.sha256(unreadable.raw).digest(), fetched_at.isoformat(timespec="milliseconds"),
                unreadable.reason, self._chain.bodies.compress(unreadable.raw),
            ),
        )  # fmt: skip


def _decoded(raw: bytes) -> Any:
    """A record's value; None if it can't be decoded."""
    try:
        return decode(raw)
    except ValueError:
        return None
