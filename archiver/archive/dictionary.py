"""The dictionary that bodies are compressed with, as the archive's file keeps it: two copies, because without it no
body can be read.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping

from zstandard import ZstdCompressionDict

_COPIES = (1, 2)


def read(connection: sqlite3.Connection, dictionary_id: int | None = None) -> bytes | None:
    """The first copy that is what was kept, and has an id if one is given; None if there is none."""
    whole = _whole_copies(connection).values()
    return next((content for content in whole if dictionary_id in (None, id_of(content))), None)


def id_of(content: bytes) -> int:
    """The id by which frames name a dictionary."""
    return ZstdCompressionDict(content).dict_id()


def exists(connection: sqlite3.Connection) -> bool:
    """Whether there is a copy, damaged or not."""
    return connection.execute("SELECT 1 FROM dictionary").fetchone() is not None


def write(connection: sqlite3.Connection, content: bytes) -> None:
    """Makes every copy this one."""
    connection.execute("DELETE FROM dictionary")
    digest = hashlib.sha256(content).digest()
    connection.executemany("INSERT INTO dictionary VALUES (?, ?, ?)", ((copy, digest, content) for copy in _COPIES))


def faults(connection: sqlite3.Connection, used_id: int) -> Iterator[str]:
    """What is wrong with the copies, in words. `used_id` is the id that bodies name; 0 if none does."""
    if not exists(connection):
        if used_id:
            yield "the dictionary is missing: bodies compressed with it can't be read"
        return
    wrong = _wrong_copies(connection, used_id)
    if wrong and _right(connection, used_id) is None:
        yield "no copy of the dictionary is what was kept: bodies compressed with it can't be read"
    elif wrong:
        yield f"copy {wrong[0]} of the dictionary is not what was kept; --repair makes it the same as the other"


def mend(connection: sqlite3.Connection, used_id: int) -> int:
    """Makes a wrong copy the same as the other; how many were wrong and are right now."""
    wrong, content = _wrong_copies(connection, used_id), _right(connection, used_id)
    if not exists(connection) or not wrong or content is None:
        return 0
    write(connection, content)
    return len(wrong)


def _right(connection: sqlite3.Connection, used_id: int) -> bytes | None:
    return read(connection, used_id or None)


def _wrong_copies(connection: sqlite3.Connection, used_id: int) -> list[int]:
    """The copies that are damaged, missing, another dictionary, or too many."""
    present = {copy for (copy,) in connection.execute("SELECT copy FROM dictionary")}
    whole, right = _whole_copies(connection), _right(connection, used_id)
    return sorted({*present, *_COPIES} - {copy for copy in _COPIES if whole.get(copy) == right is not None})


def _whole_copies(connection: sqlite3.Connection) -> Mapping[int, bytes]:
    rows = connection.execute("SELECT copy, digest, content FROM dictionary ORDER BY copy")
    return {copy: content for copy, digest, content in rows if hashlib.sha256(content).digest() == digest}
