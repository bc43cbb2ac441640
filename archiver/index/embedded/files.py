"""The files of the embedded index: their size, and whether they are what tantivy wrote."""

from __future__ import annotations

import fcntl
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import tantivy

from archiver.index.embedded.errors import busy
from archiver.jsontext import decode

# The end of a segment's file: a footer in JSON, its length and a mark, both of 4 bytes (tantivy, directory/footer.rs).
_LIST, _META, _WRITER_LOCK = ".managed.json", "meta.json", ".tantivy-writer.lock"
_MARK = (1337).to_bytes(4, "little")
_WITHOUT_FOOTER = (".json", ".lock", ".new")
_BLOCK_BYTES = 1 << 20
_LONGEST_FOOTER = 1_000


# As in "tantivy v0.27.0, index_format v7".
_LIBRARY, _FORMAT = (part.rpartition("v")[2] for part in getattr(tantivy, "__version__", "v0.0.0, v0").split(","))


Commit = tuple[int, int]  # names a commit: the file that lists its segments, and when it was written, in nanoseconds


def commit_of(folder: Path) -> Commit:
    """The newest commit. Each one writes its list anew, under the same name. Raises OSError."""
    state = (folder / _META).stat()
    return state.st_ino, state.st_mtime_ns


def remove_idle(folder: Path) -> None:
    """Removes an index that nobody is writing, by the lock that tantivy's writers hold. Raises StoreBusy, OSError."""
    if not folder.is_dir():
        return
    with (folder / _WRITER_LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise busy() from None
        shutil.rmtree(folder, ignore_errors=True)


def library_version() -> str:
    """The version of tantivy that reads and writes the index, such as 0.27.0."""
    return _LIBRARY


def stored_bytes(folder: Path) -> int:
    """The size of all files in a folder, without those that another process removes meanwhile."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def damaged_files(folder: Path) -> Iterator[str]:
    """The names of the files whose content is not what was written. What another process is writing or removes
    meanwhile does not count: only files of finished segments never change.
    """
    is_finished = _finished(folder / _META)
    files = [path for path in sorted(folder.iterdir()) if path.suffix not in _WITHOUT_FOOTER and is_finished(path.name)]
    yield from (path.name for path in files if not _is_sound(path))
    listed = folder / _LIST
    if listed.is_file():
        names = _names(listed)
        if any(path.name not in names and path.exists() for path in files):
            yield _LIST


def _finished(meta: Path) -> Callable[[str], bool]:
    """Whether a file, by its name, belongs to what is searched; every file, if that can't be read."""
    try:
        listed = decode(meta.read_bytes())["segments"]
        segments = {item["segment_id"].replace("-", ""): item["deletes"] for item in listed}
        removed = {f"{id_}.{deletes['opstamp']}.del" for id_, deletes in segments.items() if deletes}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return lambda name: True
    return lambda name: name in removed or (not name.endswith(".del") and name.partition(".")[0] in segments)


def _names(path: Path) -> set[str]:
    """tantivy's list of its files; none if it is unreadable."""
    try:
        return set(decode(path.read_bytes()))
    except (ValueError, TypeError):
        return set()


def _is_sound(path: Path) -> bool:
    """Whether a file ends with the checksum of its content, or was removed."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return True
    with file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(size - _LONGEST_FOOTER, 0))
        end = file.read()
        length = int.from_bytes(end[-8:-4], "little")
        if end[-4:] != _MARK or length + 8 > len(end):
            return False
        file.seek(0)
        return end[-8 - length : -8] == _footer(_crc(file, size - length - 8))


def _crc(file: BinaryIO, size: int) -> int:
    crc = 0
    while size > 0:
        block = file.read(min(size, _BLOCK_BYTES))
        crc, size = zlib.crc32(block, crc), size - len(block)
    return crc


def _footer(crc: int) -> bytes:
    major, minor, patch = _LIBRARY.split(".")
    version = f'{{"major":{major},"minor":{minor},"patch":{patch},"index_format_version":{_FORMAT}}}'
    return f'{{"version":{version},"crc":{crc}}}'.encode()
