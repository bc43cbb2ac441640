"""Turns the file of an archive back into an older format, as the program of that time would have made it."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import zstandard

from archiver.archive import dictionary
from archiver.archive.chain import GENESIS, entry_of, link, older_fingerprint
from archiver.value import replace


def make_older(folder: Path, version: int) -> None:
    """Gives the archive in a folder, which nobody has open, the tables and hashes of an older format, from 3 on."""
    with closing(sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for step in range(6, version - 1, -1):
            _BACK[step](connection)
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("VACUUM")
        connection.execute("PRAGMA journal_mode = WAL")


def _back_to_6(connection: sqlite3.Connection) -> None:
    """Nobody is granted anything, and no search is saved."""
    for table in ("grants", "saved", "found", "deliveries", "cases", "case_items", "scheduled"):
        connection.execute(f"DROP TABLE {table}")


def _back_to_5(connection: sqlite3.Connection) -> None:
    """Bodies are compressed each by itself, and hashed behind a salt of 32 bytes."""
    _hash_anew(connection)
    connection.execute("DROP TABLE dictionary")


def _hash_anew(connection: sqlite3.Connection) -> None:
    content = dictionary.read(connection)
    dict_data = zstandard.ZstdCompressionDict(content) if content else None
    unpack = zstandard.ZstdDecompressor(dict_data=dict_data).decompress
    (key,) = connection.execute("SELECT value FROM archive WHERE name = 'fingerprint_key'").fetchone()
    prev = GENESIS
    for *row, body in connection.execute(
        "SELECT seq, account, conversation_id, fetched_at, type, fingerprint, commitment, size, prev, body"
        " FROM entries LEFT JOIN bodies USING (seq) ORDER BY seq"
    ).fetchall():
        entry = replace(entry_of(row), prev=prev)
        if body is not None:
            raw, salt = unpack(body), secrets.token_bytes(32)
            entry = replace(
                entry,
                fingerprint=older_fingerprint(key, raw, is_open=b'"status":"OPEN"' in raw),
                commitment=hashlib.sha256(salt + raw).digest(),
            )
            packed = zstandard.compress(raw)
            connection.execute("UPDATE bodies SET salt = ?, body = ? WHERE seq = ?", (salt, packed, entry.seq))
        prev = link(entry)
        connection.execute(
            "UPDATE entries SET fingerprint = ?, commitment = ?, prev = ?, link = ? WHERE seq = ?",
            (entry.fingerprint, entry.commitment, entry.prev, prev, entry.seq),
        )


def _back_to_4(connection: sqlite3.Connection) -> None:
    """Nothing says which records were read by their ids, nor which entry is the newest about a conversation."""
    for name in ("current_shallow", "current_by_touch"):
        connection.execute(f"DROP INDEX {name}")
    for name in ("deep", "touched"):
        connection.execute(f"ALTER TABLE current DROP COLUMN {name}")


def _back_to_3(connection: sqlite3.Connection) -> None:
    """Tables have their former names."""
    connection.execute("ALTER TABLE quarantine RENAME TO aside")
    connection.execute("ALTER TABLE bookmarks RENAME TO marks")
    connection.execute("ALTER TABLE watch DROP COLUMN latest_at")


_BACK: dict[int, Callable[[sqlite3.Connection], None]] = {6: _back_to_6, 5: _back_to_5, 4: _back_to_4, 3: _back_to_3}
