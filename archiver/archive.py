"""The archive's one SQLite file: opens it, guards whose it is, and hands out vault and ledger over one connection."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from archiver.errors import ArchiveError, ArchiverError, ConfigError
from archiver.ledger import Ledger
from archiver.model import Conversation, Unreadable
from archiver.vault import Vault

FILE = "archive.sqlite3"
_APPLICATION_ID = 0x4C504152  # "LPAR", so that `file` and we can tell the format
_SCHEMA_VERSION = 2
_MIGRATIONS = {  # from each version to the next
    1: (
        "ALTER TABLE watch RENAME COLUMN since TO seen_at",
        "CREATE TABLE marks (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID",
    ),
}
_BUSY_S = 30.0

_SCHEMA = """
CREATE TABLE archive (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, conversation_id TEXT NOT NULL, fetched_at TEXT NOT NULL,
    type TEXT NOT NULL, fingerprint BLOB NOT NULL, commitment BLOB NOT NULL, size INTEGER NOT NULL,
    prev BLOB NOT NULL, link BLOB NOT NULL) STRICT;
CREATE INDEX entries_by_conversation ON entries (conversation_id, seq);
CREATE TABLE bodies (seq INTEGER PRIMARY KEY REFERENCES entries (seq), salt BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE current (conversation_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, messages INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX current_by_seq ON current (seq);
CREATE TABLE aside (
    digest BLOB PRIMARY KEY, fetched_at TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT) STRICT;
CREATE TABLE windows (
    start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, expected INTEGER NOT NULL,
    seen INTEGER NOT NULL, inside INTEGER NOT NULL, new INTEGER NOT NULL, read_at TEXT NOT NULL, run INTEGER NOT NULL,
    content TEXT NOT NULL, vault_head INTEGER NOT NULL, PRIMARY KEY (start_ms, end_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE watch (conversation_id TEXT PRIMARY KEY, reason TEXT NOT NULL, seen_at TEXT NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    beat_at TEXT NOT NULL) STRICT;
"""


class Archive:
    """An open archive. Closing is the caller's: use it with `with`."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self.account = self._value("account").decode()
        self.id = self._value("id").decode()
        self.vault = Vault(connection, self.account, self._value("fingerprint_key"))
        self.ledger = Ledger(connection)

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
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def keep(self, conversations: Sequence[Conversation], unreadable: Iterable[Unreadable], now: datetime) -> int:
        """Inside a transaction: what came from LivePerson, and who of it is to be looked at again.

        Returns how many conversations were new or had new content.
        """
        new = self.vault.append(conversations, fetched_at=now)
        for item in unreadable:
            self.vault.set_aside(item, fetched_at=now)
        self.ledger.watch(conversations, now)
        return new

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


def is_archive(folder: Path) -> bool:
    return (folder / FILE).is_file()


def open_archive(folder: Path, *, account: str | None = None) -> Archive:
    """The archive in a folder, which must be there. Raises ConfigError if it is none or another account's."""
    path = folder / FILE
    if not path.is_file():
        what = "is not an archive" if folder.exists() else "does not exist"
        raise ConfigError(
            f"the folder {str(folder)!r} {what}",
            hint="Name the archive's folder with --archive, or make one with: archiver harvest",
        )
    archive = _guarded(folder, path)
    if account and archive.account != account:
        archive.close()
        raise ConfigError(
            f"{folder} is the archive of account {archive.account}, not of {account}",
            hint="Use another folder (--archive), or set the account that this archive belongs to.",
        )
    return archive


def make_archive(folder: Path, account: str) -> Archive:
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
            _create(connection, account)
        finally:
            connection.close()
    return open_archive(folder, account=account)


def _guarded(folder: Path, path: Path) -> Archive:
    with foreign_errors(folder):
        connection = _connect(path)
        try:
            _check_format(connection, path)
            return Archive(folder, connection)
        except BaseException:
            connection.close()
            raise


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION_ID:
        raise ConfigError(f"{path} is not an archive of this program", hint="Name another folder with --archive.")
    if not 0 < version <= _SCHEMA_VERSION:
        raise ConfigError(
            f"{path} has format {version}; this program knows format {_SCHEMA_VERSION}", hint="Use a newer archiver."
        )
    if version < _SCHEMA_VERSION:
        _migrate(connection)


def _migrate(connection: sqlite3.Connection) -> None:
    """To the newest format, in one transaction, whoever else tries at the same time. Entries and bodies stay as is."""
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for step in range(version, _SCHEMA_VERSION):
        for statement in _MIGRATIONS[step]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.execute("COMMIT")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _create(connection: sqlite3.Connection, account: str) -> None:
    """Makes the tables once, however many processes try at the same time."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        identity = {
            "account": account.encode(),
            "id": secrets.token_hex(16).encode(),
            "fingerprint_key": secrets.token_bytes(32),
        }
        connection.executemany("INSERT INTO archive VALUES (?, ?)", identity.items())
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    connection.execute("COMMIT")


@contextmanager
def foreign_errors(folder: Path) -> Iterator[None]:
    """Turns what the disk and SQLite say into our words."""
    try:
        yield
    except ArchiverError:
        raise
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:  # its words may be damaged, too
        raise ArchiveError(f"the archive {folder} cannot be used: {error}", hint=_hint(error)) from error
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
