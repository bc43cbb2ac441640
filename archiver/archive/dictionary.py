"""The dictionary that bodies are compressed with, as the archive's file keeps it: two copies, because without it no
body can be read.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator

_COPIES = (1, 2)


def read(connection: sqlite3.Connection) -> bytes | None:
    """The first copy that is what was kept; None if there is none."""
    rows = connection.execute("SELECT digest, content FROM dictionary ORDER BY copy")
    return next((content for digest, content in rows if hashlib.sha256(content).digest() == digest), None)


def exists(connection: sqlite3.Connection) -> bool:
    """Whether there is a copy, damaged or not."""
    return connection.execute("SELECT 1 FROM dictionary").fetchone() is not None


def write(connection: sqlite3.Connection, content: bytes) -> None:
    """Makes every copy this one."""
    connection.execute("DELETE FROM dictionary")
    digest = hashlib.sha256(content).digest()
    connection.executemany("INSERT INTO dictionary VALUES (?, ?, ?)", ((copy, digest, content) for copy in _COPIES))


def faults(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with the copies, in words."""
    wrong = _wrong_copies(connection)
    if wrong and read(connection) is None:
        yield "no copy of the dictionary is what was kept: bodies compressed with it can't be read"
    elif wrong:
        yield f"copy {wrong[0]} of the dictionary is not what was kept; --repair makes it the same as the other"


def mend(connection: sqlite3.Connection) -> int:
    """Makes a damaged copy the same as the other; how many were damaged and are right now."""
    wrong, content = _wrong_copies(connection), read(connection)
    if wrong and content is not None:
        write(connection, content)
        return len(wrong)
    return 0


def _wrong_copies(connection: sqlite3.Connection) -> list[int]:
    """The copies that are damaged or missing, if there is one at all, and those that are too many."""
    rows = connection.execute("SELECT copy, digest, content FROM dictionary").fetchall()
    right = {copy for copy, digest, content in rows if hashlib.sha256(content).digest() == digest}
    present = {copy for copy, _, _ in rows}
    return sorted(copy for copy in present | set(_COPIES) if copy not in right & set(_COPIES)) if rows else []
