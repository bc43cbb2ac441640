"""Makes the tables of the archive's file, and converts each older format to the newest."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import UTC, datetime

from archiver.archive import events
from archiver.archive.append import VaultWriter
from archiver.archive.bookkeeping import LedgerWriter
from archiver.archive.inspection import Inspection
from archiver.archive.ledger import ROWS, WindowState, claim, row_digest
from archiver.archive.tables import APPLICATION_ID, PAGE_BYTES, SCHEMA, VERSION
from archiver.model import to_ms
from archiver.rawrecord import moment, peek_if_readable

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
    4: """
ALTER TABLE current ADD COLUMN deep INTEGER;
ALTER TABLE current ADD COLUMN touched INTEGER NOT NULL DEFAULT 0;
UPDATE current SET touched =
    (SELECT max(seq) FROM entries WHERE entries.conversation_id = current.conversation_id);
CREATE INDEX current_by_touch ON current (touched);
CREATE INDEX current_shallow ON current (started_ms, conversation_id) WHERE deep IS NOT seq
""",
    5: """
CREATE TABLE dictionary (copy INTEGER PRIMARY KEY, digest BLOB NOT NULL, content BLOB NOT NULL) STRICT
""",
    6: """
CREATE TABLE grants (
    kind TEXT NOT NULL, name TEXT NOT NULL, roles TEXT NOT NULL, rule TEXT, token BLOB UNIQUE, expires_at TEXT,
    PRIMARY KEY (kind, name)) STRICT, WITHOUT ROWID;
CREATE TABLE saved (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, scope TEXT NOT NULL, target TEXT NOT NULL, place TEXT NOT NULL,
    with_text INTEGER NOT NULL, secret TEXT NOT NULL, version INTEGER NOT NULL, watermark INTEGER NOT NULL,
    disabled TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE found (
    search TEXT NOT NULL, version INTEGER NOT NULL, conversation_id TEXT NOT NULL, message_id TEXT NOT NULL,
    seq INTEGER NOT NULL, PRIMARY KEY (search, version, conversation_id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, search TEXT NOT NULL, version INTEGER NOT NULL, content TEXT NOT NULL,
    attempts INTEGER NOT NULL, due_at TEXT NOT NULL, error TEXT, is_dead INTEGER NOT NULL) STRICT;
CREATE TABLE scheduled (
    name TEXT PRIMARY KEY, query TEXT NOT NULL, format TEXT NOT NULL, destination TEXT NOT NULL, every_s REAL NOT NULL,
    beat TEXT NOT NULL, due_at TEXT NOT NULL, done_at TEXT, remark TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE cases (
    name TEXT PRIMARY KEY, reason TEXT NOT NULL, query TEXT NOT NULL, follows INTEGER NOT NULL, made_by TEXT NOT NULL,
    made_at TEXT NOT NULL, seed TEXT NOT NULL, population INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE case_items (
    case_name TEXT NOT NULL, conversation_id TEXT NOT NULL, part TEXT NOT NULL, status TEXT NOT NULL,
    tags TEXT NOT NULL, note TEXT NOT NULL, reviewer TEXT, read_at TEXT,
    PRIMARY KEY (case_name, conversation_id)) STRICT, WITHOUT ROWID
""",
}


def create(connection: sqlite3.Connection, account: str) -> None:
    """Creates the tables once, however many processes try at the same time. Leaves a file of another program alone."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return
    connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a file that is made now
    connection.execute("PRAGMA journal_mode = WAL")
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return  # without waiting for a process that is writing
    connection.execute("BEGIN IMMEDIATE")
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        _run(connection, SCHEMA)
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
        # A damaged record has no start, and `verify` reports it.
        started = moment(peek_if_readable(raw or b"").info, "startTime") if current else None
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
