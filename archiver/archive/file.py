"""The archive's one SQLite file. Every change is a method of `ArchiveFile`, which is one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from archiver.archive import events, healing, objects, rechecks
from archiver.archive.append import AppendResult, VaultWriter
from archiver.archive.audit_log import AuditLog
from archiver.archive.bookkeeping import LedgerWriter
from archiver.archive.connection import FILE, READ_ONLY, connect, empty_log
from archiver.archive.covering import Covering, Coverings
from archiver.archive.erasures import Erasures, ErasuresWriter
from archiver.archive.identity import read_identity
from archiver.archive.inspection import Inspection
from archiver.archive.kept import Kept
from archiver.archive.lease import Lease
from archiver.archive.ledger import Bookmark, Ledger, Run, WindowReading, WindowState, claim, is_certified
from archiver.archive.presence import Presence
from archiver.archive.repair import Claims, Mended, Repair
from archiver.archive.upgrade import Upgrade
from archiver.archive.vault import Vault
from archiver.archive.versions import Change, latest_in
from archiver.choices import Policies
from archiver.errors import ArchiveError
from archiver.foreground import GiveWay, go_on
from archiver.model import Window
from archiver.received import Conversation, Unreadable
from archiver.value import replace


class ArchiveFile(Kept, AbstractContextManager["ArchiveFile"]):
    """An open archive. Every method that writes is one transaction and raises ArchiveError; the caller closes it.

    `vault` reads raw records and the chain, `ledger` which windows were read and how completely, `erasures` text that
    LivePerson masked, deleted or left out, `audit` who did what. `give_way` is called before each record is kept.
    """

    def __init__(
        self, folder: Path, connection: sqlite3.Connection, policies: Policies, *, is_writable: bool = True,
        holder: str | None = None, give_way: GiveWay = go_on,
    ) -> None:  # fmt: skip
        super().__init__(connection, self._transaction)
        self.folder, self.is_writable, self.give_way = folder, is_writable, give_way
        self._connection, self._policies = connection, policies
        self.account, self.id, key = read_identity(connection, folder / FILE)
        self.vault, self.ledger = Vault(connection, key), Ledger(connection)
        self.inspection = Inspection(connection, key)
        self.erasures = Erasures(connection, self.inspection)
        self._vault = VaultWriter(connection, self.account, key, give_way)
        self._erasures = ErasuresWriter(connection, self.inspection, self._vault)
        self._ledger, self._presence = LedgerWriter(connection), Presence(connection, self._vault)
        self._coverings = Coverings(self.vault, self.ledger, self._presence)
        self._lease, self._holds_lease = Lease(connection, holder), False
        self._has_removed = True  # a process that was killed may have left removed text in the log
        self._repair = Repair(connection, self.vault, self._ledger, self.inspection)
        self.upgrade = Upgrade(connection, folder / FILE, self._vault.recompression, self._transaction)
        self.audit = AuditLog(folder)

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All reads within the context see one moment, whatever is written meanwhile. Raises ArchiveError."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.execute("ROLLBACK")

    # ── the harvester's lease ──

    def acquire_lease(self, now: datetime) -> None:
        """Makes this process the archive's one harvester. Raises Locked if another one is at work."""
        with self._transaction():
            self._lease.acquire(now)
            self._repair.steering(now)
        self._holds_lease = True

    def heartbeat(self, now: datetime) -> None:
        """Renews the lease. Raises Locked if another process has taken over."""
        with self._transaction():
            self._lease.heartbeat(now)
            self._repair.steering(now)

    def release_lease(self) -> None:
        """Lets another process harvest."""
        self._holds_lease = False
        with self._transaction():
            self._lease.release()

    def another_connection(self) -> ArchiveFile:
        """The same file for another thread, as the same harvester: it may renew and release the lease. The caller
        closes it. Raises ArchiveError, also if the file is gone: SQLite would make an empty one.
        """
        if not (self.folder / FILE).is_file():
            hint = "Bring it back, or stop what harvests into it."
            raise ArchiveError(f"the archive {self.folder} is gone", hint=hint)
        connection, holder = connect(self.folder / FILE), self._lease.holder
        return ArchiveFile(self.folder, connection, self._policies, holder=holder, give_way=self.give_way)

    # ── writes of a harvest ──

    def begin_run(self, span: Window, now: datetime) -> Run:
        """The run that reads a span: the interrupted one to resume, or a new one."""
        with self._transaction():
            self._ledger.extend_target(span.start)
            return self._ledger.begin(span, now)

    def finish_run(self, now: datetime) -> None:
        """Notes that the present run, and any interrupted one before it, is done."""
        with self._transaction():
            self._ledger.finish(now)

    def keep(
        self, conversations: Sequence[Conversation], unreadable: Iterable[Unreadable], now: datetime, *,
        unread_changes: Set[str] = frozenset(), readings: Sequence[WindowReading] = (), run: Run | None = None,
    ) -> int:  # fmt: skip
        """Keeps a page and records what it completes: all of it or nothing. Returns how many entries were made.

        `unread_changes` are ids of changed conversations that could not be read in full. `readings` are windows that
        this page completes; the page's new entries are added to the `new` of the first. Raises Locked if this process
        was the harvester and another one has taken over.
        """
        with self._transaction():
            if self._holds_lease:
                self._lease.heartbeat(now)
            results = self._vault.append(conversations, fetched_at=now)
            self._vault.note_deep(zip(conversations, results, strict=True))
            self._note_erasures(results, unread_changes, now)
            self._watch(conversations, results, unread_changes, now)
            for item in unreadable:
                self._vault.quarantine(item, fetched_at=now)
            new = sum(result.is_new for result in results)
            for number, reading in enumerate(readings):
                self._record(reading if number else replace(reading, new=reading.new + new), run, now)
        return new

    def _note_erasures(self, results: Sequence[AppendResult], unread_changes: Set[str], now: datetime) -> None:
        for result in results:
            if result.change not in (Change.FIRST, Change.SAME):
                is_whole = result.conversation_id not in unread_changes
                self._has_removed |= self._erasures.note(result, self._policies, now, is_whole=is_whole)
        self._erasures.supersede(result.conversation_id for result in results if result.change is Change.SAME)

    def _watch(
        self, conversations: Sequence[Conversation], results: Sequence[AppendResult], unread_changes: Set[str],
        now: datetime,
    ) -> None:  # fmt: skip
        latest = self._ledger.latest_moments(conversation.id for conversation in conversations)
        self._ledger.unwatch(conversation.id for conversation in conversations)
        for conversation, result in zip(conversations, results, strict=True):
            latest_at = result.latest_at or latest.get(conversation.id) or latest_in(conversation)
            recheck = rechecks.next_recheck(conversation, result.change, result.since, now, latest_at)
            if conversation.id in unread_changes and result.change is not Change.SAME:
                recheck = rechecks.Recheck("unread", now + rechecks.SOONEST_RECHECK)
            if recheck:
                self._ledger.watch(conversation.id, recheck.reason, due=recheck.due, now=now, latest_at=latest_at)

    def record(self, readings: Iterable[WindowReading], *, run: Run | None, now: datetime) -> None:
        """Records how windows were read. Proofs and their withdrawals are recorded in the chain, too."""
        with self._transaction():
            for reading in readings:
                self._record(reading, run, now)

    def _record(self, reading: WindowReading, run: Run | None, now: datetime) -> None:
        before = self._ledger.sealed_within(reading.window)
        is_sealed = reading.state is WindowState.SEALED
        certificate = before[0].certificate if is_sealed and is_certified(reading, before) else None
        if certificate is None and is_sealed:
            certificate = self._vault.append_event(events.WINDOW_SEALED, "", claim(reading), at=now)
        if not is_sealed:
            self._unseal(reading.window, reading.reason or "read again, and too recent", now)
        self._ledger.record(
            reading, run=run, now=now, vault_head=self._vault.head(), certificate=certificate,
            due=rechecks.next_check(reading.window, now, 0) if is_sealed else None,
        )  # fmt: skip

    def unseal(self, window: Window, reason: str, now: datetime) -> None:
        """Withdraws every proof of completeness that a window is part of."""
        with self._transaction():
            self._unseal(window, reason, now)

    def _unseal(self, window: Window, reason: str, now: datetime) -> None:
        for item in self._ledger.sealed_touching(window):
            self._vault.append_event(events.WINDOW_UNSEALED, "", claim(item.reading) | {"reason": reason}, at=now)
            self._ledger.forget(item.reading.window)

    def record_check(self, window: Window, due: datetime) -> None:
        """Records that LivePerson's present count agrees with a sealed window, and when to compare again."""
        with self._transaction():
            self._ledger.record_check(window, due)

    def postpone_check(self, window: Window, due: datetime) -> None:
        """Records when to compare again a sealed window that could not be compared now."""
        with self._transaction():
            self._ledger.postpone_check(window, due)

    def note_presence(self, window: Window, listed: Set[str], now: datetime) -> list[str]:
        """Records which archived conversations of a window LivePerson lists no more, or again, if it listed these. The
        ids of those that are newly missing.
        """
        changes = self._presence.changes(window, listed)
        if changes:
            with self._transaction():
                self._presence.note(changes, window, now)
        return [conversation_id for type_, conversation_id in changes if type_ == events.VANISHED]

    def note_absent(self, ids: Iterable[str], now: datetime) -> None:
        """LivePerson does not return these conversations: they are looked up once more, then no longer."""
        with self._transaction():
            self._ledger.note_absent(ids, due=now + rechecks.SOONEST_RECHECK, now=now)

    def postpone_lookups(self, ids: Iterable[str], now: datetime) -> None:
        """Records that these conversations could not be looked up now and are due again soon."""
        with self._transaction():
            self._ledger.postpone(ids, due=now + rechecks.SOONEST_RECHECK, now=now)

    def set_bookmark(self, name: Bookmark, at: datetime, *, target: datetime | None = None) -> None:
        """Stores a moment under a name, and since when conversations are to be covered."""
        with self._transaction():
            self._ledger.set_bookmark(name, at)
            if target:
                self._ledger.extend_target(target)

    def note_clock(self, now: datetime, skew: timedelta) -> None:
        """Stores LivePerson's time at this contact, and how far this machine's clock is ahead of it."""
        with self._transaction():
            self._ledger.set_bookmark(Bookmark.THEIR_TIME, now)
            self._ledger.set_bookmark(Bookmark.OUR_TIME, now + skew)

    def heal(self, now: datetime) -> list[str]:
        """Withdraws what a clock that was ahead of `now`, LivePerson's time, has recorded: proofs of windows that were
        not over, bookmarks, runs and due dates in the future. What was done, in words; empty if nothing was wrong.
        """
        with self._transaction():
            doubts = [(item.reading.window, healing.doubt(item, now)) for item in self.ledger.all_sealed()]
            void = {window: reason for window, reason in doubts if reason}
            for window, reason in void.items():
                self._unseal(window, reason, now)
            return [*healing.withdrawn(void), *healing.pull_back(self._ledger, now)]

    # ── decisions and checks ──

    def decide(self, seq: int, *, approve: bool, by: str, reason: str | None, now: datetime) -> list[int]:
        """Approves an erasure, which removes the older bodies for ever, or keeps them. The entries whose bodies were
        removed. Raises NotFound if it does not wait for a decision.
        """
        with self._transaction():
            removed = self._erasures.decide(seq, approve=approve, by=by, reason=reason, now=now)
            self._has_removed |= bool(removed)
        return removed

    def covering(self, now: datetime) -> Covering:
        """What is covered at `now`, which is LivePerson's time."""
        return self._coverings.at(now)

    def repair(self, now: datetime, proven: Claims) -> Mended:
        """Puts right what is not evidence. `proven` are the windows that the chain proves complete."""
        with self._transaction(is_repair=True):
            return self._repair.everything(now, proven)

    def check_writable(self) -> None:
        """Raises ArchiveError if the file can't be written."""
        with self._transaction():
            pass

    @contextmanager
    def _transaction(self, *, is_repair: bool = False) -> Iterator[None]:
        """All of it or nothing, durable after the context. Raises ArchiveError."""
        if not self.is_writable:
            raise ArchiveError(f"the archive {self.folder} is read-only for this user", hint=READ_ONLY)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            if not is_repair:
                objects.refuse_strangers(self._connection, self.folder / FILE)
            yield
            self._connection.execute("COMMIT")
            self._empty_log()
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._vault.forget()
            raise

    def _empty_log(self) -> None:
        """Removed text must not remain in SQLite's log. While a reader uses the log, the next transaction retries."""
        if self._has_removed:
            self._has_removed = not empty_log(self._connection)

    def close(self) -> None:
        """Closes the file."""
        self.audit.close()
        self._connection.close()

    def __exit__(self, *_: object) -> None:
        self.close()
