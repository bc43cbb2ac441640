"""Which archive a file is: its account, its own id, and the key of its fingerprints."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from archiver.errors import ArchiveError

_RESTORE = "Restore the file from a backup."


def read_identity(connection: sqlite3.Connection, path: Path) -> tuple[str, str, bytes]:
    """Account, id and key. Raises ArchiveError if one of them is not there or not readable."""
    return (
        _text(connection, path, "account"),
        _text(connection, path, "id"),
        _value(connection, path, "fingerprint_key"),
    )


def _value(connection: sqlite3.Connection, path: Path, name: str) -> bytes:
    row = connection.execute("SELECT value FROM archive WHERE name = ?", (name,)).fetchone()
    if row is None or not isinstance(row[0], bytes) or not row[0]:
        raise ArchiveError(f"{path} is damaged: it has no {name}", hint=_RESTORE)
    return row[0]


def _text(connection: sqlite3.Connection, path: Path, name: str) -> str:
    text = _value(connection, path, name).decode("utf-8", "replace")
    if not text.isascii() or not text.isprintable():
        raise ArchiveError(f"{path} is damaged: its {name} is unreadable", hint=_RESTORE)
    return text
