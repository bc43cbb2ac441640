"""The archive's one SQLite file: opens it, guards whose it is, and hands out vault and ledger over one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from archiver.archive import events, rechecks
from archiver.archive import schema as formats
from archiver.archive.erasures import Erasures
from archiver.archive.inspection import Inspection
from archiver.archive.lease import Lease
from archiver.archive.ledger import SEALED, Ledger, Reading, Recorded, Run, claim
from archiver.archive.vault import AppendResult, Vault
from archiver.archive.versions import Change
from archiver.errors import ArchiveError, ArchiverError, ConfigError
from archiver.model import Conversation, Policies, Unreadable, Window

FILE = "archive.sqlite3"
_BUSY_S = 30.0


class Archive:
    """An open archive. Closing is the caller's: use it with `with`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, policies: Policies) -> None:
        self.folder = folder
        self._connection = connection
        self._policies = policies
        self.account = self._value("account").decode()
        self.id = self._value("id").decode()
        key = self._value("fingerprint_key")
        self.vault = Vault(connection, self.account, key)
        self.inspection = Inspection(connection, key)
        self.erasures = Erasures(connection, self.vault)
        self.ledger = Ledger(connection)
        self.lease = Lease(connection)
        self._has_removed = True  # perhaps by somebody who was stopped before the log was emptied

    def _value(self, name: str) -> bytes:
        with foreign_errors(self.folder):
            row = self._connection.execute("SELECT value FROM archive WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise ArchiveError(f"{self.folder / FILE} is incomplete: it has no {name}")
        return bytes(row[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, durable once left. Raises ArchiveError."""
        with foreign_errors(self.folder):
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
                self._empty_log()
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """What is read meanwhile is as of one moment, whoever writes. Raises ArchiveError."""
        with foreign_errors(self.folder):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")

    def _empty_log(self) -> None:
        """What was removed must not go on in SQLite's log. A reader may hold it; then the next transaction tries."""
        if not self._has_removed:
            return
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            (is_busy, _, _) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._has_removed = bool(is_busy)
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")

    def keep(
        self, conversations: Sequence[Conversation], unreadable: Iterable[Unreadable], now: datetime,
        cut: Set[str] = frozenset(),
    ) -> int:  # fmt: skip
        """Inside a transaction: what came from LivePerson, what it took back, and who is to be looked at again.

        `cut` are ids of those that changed and could not be read in full. Returns how many were new or had new content.
        """
        kept = self.vault.append(conversations, fetched_at=now)
        for item in kept:
            if item.change not in (Change.FIRST, Change.SAME):
                is_whole = item.conversation_id not in cut
                self._has_removed |= self.erasures.take(item, self._policies, now, is_whole=is_whole)
        self.erasures.supersede(item.conversation_id for item in kept if item.change is Change.SAME)
        self._watch(conversations, kept, now)
        for id_ in cut:
            self.ledger.watch(id_, "cut", due=now + rechecks.SOONEST_RECHECK, now=now)
        for unread in unreadable:
            self.vault.set_aside(unread, fetched_at=now)
        return sum(item.is_new for item in kept)

    def _watch(self, conversations: Sequence[Conversation], kept: Sequence[AppendResult], now: datetime) -> None:
        self.ledger.unwatch(conversation.id for conversation in conversations)
        for conversation, item in zip(conversations, kept, strict=True):
            visit = rechecks.next_recheck(conversation, item.change, item.since, now)
            if visit:
                self.ledger.watch(conversation.id, visit.reason, due=visit.due, now=now)

    def decide(self, seq: int, *, approve: bool, by: str, reason: str | None, now: datetime) -> list[int]:
        """Approves an erasure, or keeps what it is about: `Erasures.decide`, and nothing of it stays in the file."""
        with self.transaction():
            removed = self.erasures.decide(seq, approve=approve, by=by, reason=reason, now=now)
            self._has_removed |= bool(removed)
        return removed

    def record(self, reading: Reading, *, run: Run | None, now: datetime) -> None:
        """Inside a transaction: what a window came to. What that proves, or disproves, stands in the chain, too."""
        before = self.ledger.sealed_within(reading.window)
        is_sealed = reading.state == SEALED
        certificate = before[0].certificate if is_sealed and _is_claimed(reading, before) else None
        if certificate is None and is_sealed:
            certificate = self.vault.note(events.SEALED, "", claim(reading), at=now)
        if not is_sealed:
            self.unseal(reading.window, reading.reason or "read again, and too young", now)
        self.ledger.record(
            reading, run=run, now=now, vault_head=self.vault.head(), certificate=certificate,
            due=rechecks.next_check(reading.window, now, 0) if is_sealed else None,
        )  # fmt: skip

    def unseal(self, window: Window, reason: str, now: datetime) -> None:
        """Inside a transaction: nothing that a window has a part in is called complete any more."""
        for item in self.ledger.sealed_touching(window):
            self.vault.note(events.UNSEALED, "", claim(item.reading) | {"reason": reason}, at=now)
            self.ledger.forget(item.reading.window)

    def damage(self) -> list[str]:
        """What SQLite itself finds wrong with the file; empty if nothing is."""
        with foreign_errors(self.folder):
            found = [row[0] for row in self._connection.execute("PRAGMA integrity_check(20)")]
        return [] if found == ["ok"] else found

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _is_claimed(reading: Reading, before: Sequence[Recorded]) -> bool:
    """Whether the chain says just this already."""
    return len(before) == 1 and before[0].certificate is not None and claim(before[0].reading) == claim(reading)


def is_archive(folder: Path) -> bool:
    return (folder / FILE).is_file()


def open_archive(folder: Path, *, account: str | None = None, policies: Policies = Policies()) -> Archive:  # noqa: B008  (frozen)
    """The archive in a folder, which must be there. Raises ConfigError if it is none or another account's."""
    path = folder / FILE
    if not path.is_file():
        what = "is not an archive" if folder.exists() else "does not exist"
        raise ConfigError(
            f"the folder {str(folder)!r} {what}",
            hint="Name the archive's folder with --archive, or make one with: archiver harvest",
        )
    archive = _guarded(folder, path, policies)
    if account and archive.account != account:
        archive.close()
        raise ConfigError(
            f"{folder} is the archive of account {archive.account}, not of {account}",
            hint="Use another folder (--archive), or set the account that this archive belongs to.",
        )
    return archive


def make_archive(folder: Path, account: str, *, policies: Policies = Policies()) -> Archive:  # noqa: B008  (frozen)
    """The archive of an account, made if the folder is absent or empty. Raises ConfigError, ArchiveError."""
    path = folder / FILE
    if not path.exists():
        with foreign_errors(folder):
            if folder.exists() and not folder.is_dir():
                raise ConfigError(f"{folder} is not a folder", hint="Choose another with --archive.")
            if folder.exists() and any(folder.iterdir()):
                raise ConfigError(
                    f"{folder} is not an archive and not empty", hint="Choose an empty or a new folder with --archive."
                )
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with foreign_errors(folder):
        connection = _connect(path)
        try:
            formats.create(connection, account)
        finally:
            connection.close()
    return open_archive(folder, account=account, policies=policies)


def _guarded(folder: Path, path: Path, policies: Policies) -> Archive:
    with foreign_errors(folder):
        connection = _connect(path)
        try:
            version = _check_format(connection, path)
            archive = Archive(folder, connection, policies)
            if version < formats.VERSION:
                formats.migrate(connection, archive.vault, archive.inspection)
            return archive
        except BaseException:
            connection.close()
            raise


def _check_format(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the file's format."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != formats.APPLICATION_ID:
        raise ConfigError(f"{path} is not an archive of this program", hint="Name another folder with --archive.")
    if not 0 < version <= formats.VERSION:
        raise ConfigError(
            f"{path} has format {version}; this program knows format {formats.VERSION}", hint="Use a newer archiver."
        )
    return int(version)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def foreign_errors(folder: Path) -> Iterator[None]:
    """Turns what the disk and SQLite say into our words."""
    try:
        yield
    except ArchiverError:
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # its words may be damaged, too
        failure = ArchiveError(f"the archive {folder} cannot be used: {error}", hint=_hint(error))
        failure.transient = "locked" in str(error)
        raise failure from error
    except OSError as error:
        raise ArchiveError(f"the archive {folder} cannot be used: {error}", hint=_hint(error)) from error


def _hint(error: Exception) -> str:
    words = str(error).lower()
    if "full" in words or "no space" in words:
        return "The disk is full. Free some space and run the same command again; nothing that was kept is lost."
    if any(word in words for word in ("readonly", "read-only", "permission", "unable to open")):
        return "The disk or folder is read-only for this user. Correct that and run the same command again."
    if "locked" in words:
        return "Another process is writing to it. Run the same command again later."
    if "malformed" in words or "not a database" in words:
        return "The file is damaged or is no archive. Restore it from a backup; do not harvest into it."
    return "Check the disk and the folder's permissions."
