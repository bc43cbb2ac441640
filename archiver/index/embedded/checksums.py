"""Checks the files of the embedded index against the checksums that tantivy wrote into them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import tantivy

from archiver.jsontext import decode

# The end of a segment's file: a footer in JSON, its length and a mark, both of 4 bytes (tantivy, directory/footer.rs).
_LIST = ".managed.json"
_MARK = (1337).to_bytes(4, "little")
_WITHOUT_FOOTER = (".json", ".lock", ".new")
_BLOCK_BYTES = 1 << 20
_LONGEST_FOOTER = 1_000


# As in "tantivy v0.27.0, index_format v7".
_LIBRARY, _FORMAT = (part.rpartition("v")[2] for part in getattr(tantivy, "__version__", "v0.0.0, v0").split(","))


def library_version() -> str:
    """The version of tantivy that reads and writes the index, such as 0.27.0."""
    return _LIBRARY


def damaged_files(folder: Path) -> Iterator[str]:
    """The names of the files whose content is not what was written."""
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix not in _WITHOUT_FOOTER]
    yield from (path.name for path in files if not _is_sound(path))
    listed = folder / _LIST
    if listed.is_file() and not _names(listed) >= {path.name for path in files}:
        yield _LIST


def _names(path: Path) -> set[str]:
    """tantivy's list of its files; none if it is unreadable."""
    try:
        return set(decode(path.read_bytes()))
    except (ValueError, TypeError):
        return set()


def _is_sound(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
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
