"""The tables of the archive's file, and the migration from each older format to the newest."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import UTC, datetime

from archiver.archive import events
from archiver.archive.append import VaultWriter
from archiver.archive.bookkeeping import LedgerWriter
from archiver.archive.inspection import Inspection
from archiver.archive.ledger import ROWS, WindowState, claim, row_digest
from archiver.model import to_ms
from archiver.rawrecord import moment, peek

APPLICATION_ID = 0x4C504152  # "LPAR", so that `file` and we can tell the format
VERSION = 4

_SCHEMA = """
CREATE TABLE archive (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, conversation_id TEXT NOT NULL, fetched_at TEXT NOT NULL,
    type TEXT NOT NULL, fingerprint BLOB NOT NULL, commitment BLOB NOT NULL, size INTEGER NOT NULL,
    prev BLOB NOT NULL, link BLOB NOT NULL) STRICT;
CREATE INDEX entries_by_conversation ON entries (conversation_id, seq);
CREATE INDEX entries_of_events ON entries (type, seq) WHERE type <> 'record';
CREATE TABLE bodies (seq INTEGER PRIMARY KEY REFERENCES entries (seq), salt BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE current (
    conversation_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, messages INTEGER NOT NULL, started_ms INTEGER)
    STRICT, WITHOUT ROWID;
CREATE INDEX current_by_seq ON current (seq);
CREATE INDEX current_by_start ON current (started_ms);
CREATE TABLE quarantine (
    digest BLOB PRIMARY KEY, fetched_at TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE erasures (
    seq INTEGER PRIMARY KEY REFERENCES entries (seq), conversation_id TEXT NOT NULL, kind TEXT NOT NULL,
    record INTEGER NOT NULL, state TEXT NOT NULL, decision INTEGER, decided_at TEXT, decided_by TEXT, reason TEXT)
    STRICT;
CREATE INDEX erasures_by_conversation ON erasures (conversation_id);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT) STRICT;
CREATE TABLE windows (
    start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, expected INTEGER NOT NULL,
    seen INTEGER NOT NULL, inside INTEGER NOT NULL, new INTEGER NOT NULL, read_at TEXT NOT NULL, run INTEGER NOT NULL,
    content TEXT NOT NULL, vault_head INTEGER NOT NULL, ids TEXT NOT NULL DEFAULT '', certificate INTEGER,
    digest TEXT NOT NULL DEFAULT '', checks INTEGER NOT NULL DEFAULT 0, due_at TEXT, PRIMARY KEY (start_ms, end_ms))
    STRICT, WITHOUT ROWID;
CREATE INDEX windows_by_due ON windows (state, due_at);
CREATE TABLE watch (
    conversation_id TEXT PRIMARY KEY, reason TEXT NOT NULL, seen_at TEXT NOT NULL, due_at TEXT NOT NULL DEFAULT '',
    latest_at TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX watch_by_due ON watch (due_at);
CREATE TABLE bookmarks (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    beat_at TEXT NOT NULL) STRICT
"""
_MIGRATIONS = {  # from each version to the next
    1: """
ALTER TABLE watch RENAME COLUMN since TO seen_at;
CREATE TABLE marks (name TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID
""",
    2: """
CREATE INDEX entries_of_events ON entries (type, seq) WHERE type <> 'record';
ALTER TABLE current ADD COLUMN started_ms INTEGER;
CREATE INDEX current_by_start ON current (started_ms);
CREATE TABLE erasures (
    seq INTEGER PRIMARY KEY REFERENCES entries (seq), conversation_id TEXT NOT NULL, kind TEXT NOT NULL,
    record INTEGER NOT NULL, state TEXT NOT NULL, decision INTEGER, decided_at TEXT, decided_by TEXT, reason TEXT)
    STRICT;
CREATE INDEX erasures_by_conversation ON erasures (conversation_id);
ALTER TABLE windows ADD COLUMN ids TEXT NOT NULL DEFAULT '';
ALTER TABLE windows ADD COLUMN certificate INTEGER;
ALTER TABLE windows ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE windows ADD COLUMN checks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE windows ADD COLUMN due_at TEXT;
CREATE INDEX windows_by_due ON windows (state, due_at);
ALTER TABLE watch ADD COLUMN due_at TEXT NOT NULL DEFAULT '';
CREATE INDEX watch_by_due ON watch (due_at)
""",
    3: """
ALTER TABLE aside RENAME TO quarantine;
ALTER TABLE marks RENAME TO bookmarks;
ALTER TABLE watch ADD COLUMN latest_at TEXT
""",
}


def create(connection: sqlite3.Connection, account: str) -> None:
    """Creates the tables once, however many processes try at the same time."""
    connection.execute("PRAGMA journal_mode = WAL")
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return  # without waiting for a process that is writing
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        _run(connection, _SCHEMA)
        identity = {
            "account": account.encode(),
            "id": secrets.token_hex(16).encode(),
            "fingerprint_key": secrets.token_bytes(32),
        }
        connection.executemany("INSERT INTO archive VALUES (?, ?)", identity.items())
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def migrate(connection: sqlite3.Connection) -> None:
    """Converts the file to the newest format, in one transaction, also when several processes try. Entries stay
    unchanged.
    """
    connection.execute("BEGIN IMMEDIATE")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for step in range(version, VERSION):
        _run(connection, _MIGRATIONS[step])
    if version < 3:
        _note_starts(connection)
        _certify(connection)
    if version < 4:
        _rename_open_state(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def _run(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement)


def _value(connection: sqlite3.Connection, name: str) -> bytes:
    (value,) = connection.execute("SELECT value FROM archive WHERE name = ?", (name,)).fetchone()
    return bytes(value)


def _note_starts(connection: sqlite3.Connection) -> None:
    """Since format 3 the current versions say when their conversations started."""
    inspection = Inspection(connection, _value(connection, "fingerprint_key"))
    for entry, raw, current in inspection.bodies(events.RECORD):
        try:
            started = moment(peek(raw or b"").info, "startTime") if current else None
        except ValueError:
            started = None  # the record is damaged, which `verify` reports
        if started:
            connection.execute("UPDATE current SET started_ms = ? WHERE seq = ?", (to_ms(started), entry.seq))


def _certify(connection: sqlite3.Connection) -> None:
    """Since format 3 what is proven complete stands in the chain, and each row of the ledger has a digest."""
    ledger, now = LedgerWriter(connection), datetime.now(UTC)
    account, key = _value(connection, "account").decode(), _value(connection, "fingerprint_key")
    vault = VaultWriter(connection, account, key)
    for item in sorted(ledger.recorded(is_checked=False), key=lambda item: item.reading.window.length, reverse=True):
        is_sealed = item.reading.state is WindowState.SEALED
        content = claim(item.reading)
        certificate = vault.append_event(events.WINDOW_SEALED, "", content, at=now) if is_sealed else None
        ledger.certify(item.reading.window, certificate, due=now if is_sealed else None)


def _rename_open_state(connection: sqlite3.Connection) -> None:
    """Since format 4 a window that was read and not proven is `unproven`; before, `open`.

    A row that was altered keeps its wrong digest, so that `verify` still reports it.
    """
    for row in connection.execute(f"{ROWS} WHERE state = 'open'").fetchall():
        renamed = (*row[:2], WindowState.UNPROVEN, *row[3:-1])
        digest = row_digest(renamed) if row_digest(row[:-1]) == row[-1] else row[-1]
        connection.execute(
            "UPDATE windows SET state = ?, digest = ? WHERE start_ms = ? AND end_ms = ?",
            (WindowState.UNPROVEN, digest, *row[:2]),
        )
