"""Text of files and pipes as people and other programs write it: with byte order marks, in UTF-16."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def text_of(raw: bytes) -> str:
    """The text of UTF-8 bytes, or of UTF-16 bytes with a byte order mark, as PowerShell writes them; without the mark.
    Raises ValueError.
    """
    for mark, encoding in _UTF16.items():
        if raw.startswith(mark):
            return _decoded(raw.removeprefix(mark), encoding)
    if b"\0" in raw:
        raise ValueError("it holds zero bytes, as UTF-16 without a mark does; save it as UTF-8")
    return _decoded(raw.removeprefix(codecs.BOM_UTF8), "utf-8")


def _decoded(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(f"its byte {error.start + 1} is not {encoding.upper()}; save it as UTF-8") from None


def utf8_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file without the byte order mark of the first one. Raises ValueError for UTF-16."""
    for number, line in enumerate(lines):
        if number == 0 and line.startswith(tuple(_UTF16)):
            raise ValueError("it is UTF-16; save it as UTF-8")
        yield line.removeprefix(codecs.BOM_UTF8) if number == 0 else line
