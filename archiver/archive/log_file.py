"""Whether SQLite's log beside the archive's file (`archive.sqlite3-wal`) belongs to it, before SQLite applies it.

SQLite silently ignores a log that it can't read, and applies the log of another file: both would be a wrong answer.
The layout is on SQLite's page "WAL-mode File Format".
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from archiver.errors import ArchiveError

_HEADER_BYTES, _MAGIC = 32, (0x377F0682, 0x377F0683)
_TRIES = 3  # a process that begins the log anew writes its header while we read it
_HINT = (
    "Restore the file and its log together from a backup. If the log is known to be of something else, move it away."
)


def log_of(path: Path) -> Path:
    """The log beside a database file."""
    return path.with_name(f"{path.name}-wal")


def has_log(path: Path) -> bool:
    """Whether the log has content."""
    return _size(log_of(path)) > 0


def has_shared_memory(path: Path) -> bool:
    """Whether a process has the file open, or was killed while it had."""
    return path.with_name(f"{path.name}-shm").exists()


def check_log(path: Path) -> None:
    """Raises ArchiveError if the file is empty or the log beside it is not its own."""
    if _size(log_of(path)) < _HEADER_BYTES:
        return
    if not _size(path):
        raise ArchiveError(f"{path} is empty, and its log is not: the file was cut off", hint=_HINT)
    if not any(_is_header(_start(log_of(path), _HEADER_BYTES), _page_size(path)) for _ in range(_TRIES)):
        raise ArchiveError(f"{log_of(path)} is damaged, or the log of another file", hint=_HINT)
    without, within = _archive_id(path, "immutable=1"), _archive_id(path, "mode=ro")
    if without and within and without != within:
        raise ArchiveError(f"{log_of(path)} is the log of another archive", hint=_HINT)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _start(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _page_size(path: Path) -> int:
    size = int.from_bytes(_start(path, 18)[16:])
    return 65_536 if size == 1 else size


def _is_header(header: bytes, page_size: int) -> bool:
    """Whether this is the header of a log of pages of this size, by its checksum. An emptied log has none."""
    if len(header) < _HEADER_BYTES:
        return True
    words = [int.from_bytes(header[at : at + 4]) for at in range(0, _HEADER_BYTES, 4)]
    if words[0] not in _MAGIC or words[2] != page_size:
        return False
    order = "big" if words[0] & 1 else "little"
    first = second = 0
    for at in range(0, 24, 8):
        first = (first + int.from_bytes(header[at : at + 4], order) + second) % 2**32  # type: ignore[arg-type]
        second = (second + int.from_bytes(header[at + 4 : at + 8], order) + first) % 2**32  # type: ignore[arg-type]
    return words[6:] == [first, second]


def _archive_id(path: Path, how: str) -> bytes | None:
    """The id in the file, with or without its log; None if it can't be read that way."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)) as connection:
            row = connection.execute("SELECT value FROM archive WHERE name = 'id'").fetchone()
    except sqlite3.Error:
        return None
    return row[0] if row else None
