"""What is printed: readable in any encoding, unable to control the terminal, to reverse text or to hide in it."""

from __future__ import annotations

import codecs
import io
import re
from typing import Any

_ESCAPED_ASCII = "escaped_ascii"


def is_text(argument: str) -> bool:
    """Whether an argument or variable is text: bytes of another encoding arrive as halves of surrogate pairs."""
    return re.search("[\ud800-\udfff]", argument) is None


def escape_what_cannot_be_encoded(*streams: Any) -> None:
    """Makes each stream print a character that its encoding lacks as an escape, such as \\u65e5."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=_ESCAPED_ASCII if is_ascii else None, errors="backslashreplace")


def _escaped_ascii(name: str) -> codecs.CodecInfo | None:
    """ASCII under a name of ours: where a stream's encoding is called ASCII, click prints UTF-8 instead."""
    if name != _ESCAPED_ASCII:
        return None
    ascii_ = codecs.lookup("ascii")
    return codecs.CodecInfo(
        ascii_.encode, ascii_.decode, ascii_.streamreader, ascii_.streamwriter, ascii_.incrementalencoder,
        ascii_.incrementaldecoder, name=_ESCAPED_ASCII,
    )  # fmt: skip


codecs.register(_escaped_ascii)
