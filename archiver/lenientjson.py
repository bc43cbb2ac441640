"""Reads JSON that the fast library refuses, where its meaning is beyond doubt. Pure, in linear time.

Accepted beside JSON: halves of surrogate pairs, bytes that are no UTF-8, control characters inside strings, numbers of
any length, any depth. An escape that JSON does not know, as in C:\\Users, is refused: whoever wrote it did not escape
backslashes, so that \\n in the same text may be two characters or one. Splitting only looks at brackets and quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate, count
from operator import sub
from typing import Any

MOST_DEPTH = 200  # levels of nesting; what is deeper is read as text, the same in every place that reads a record
_MOST_DIGITS = 400  # of a number; a longer one is read as text
_IDENTITY = "Id"  # names of members that identify something end so (Messaging Interactions API, Conversations)

_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],:]', re.DOTALL)
_CLOSING = {b"{": b"}", b"[": b"]"}
_ENDS = frozenset(_CLOSING.values())
_BLANKS = b" \t\n\r"
_HALF = re.compile("[\ud800-\udfff]")
_BRACKETS = b"[{]}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = bytes.maketrans(_BRACKETS, b"\x02\x02\x00\x00")


def is_deep(raw: bytes) -> bool:
    """Whether a JSON text may be nested more than `MOST_DEPTH` levels deep. Brackets in strings count as well."""
    steps = raw.translate(_STEPS, _OTHERS)
    return len(steps) > 2 * MOST_DEPTH and max(map(sub, accumulate(steps), count(1))) > MOST_DEPTH


def read(raw: bytes) -> Any:
    """The value of a JSON text. Raises ValueError if it is none, even by the rules of this module.

    A half of a surrogate pair and a byte that is no UTF-8 become U+FFFD; in an identifier they are spelled out, so that
    two identifiers stay two.
    """
    text = _shallow(raw).decode("utf-8", "surrogateescape")
    try:
        value = json.loads(text, strict=False, parse_int=_whole)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return _clean(value)


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


def _clean(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        return _HALF.sub(_spelled_out if name.endswith(_IDENTITY) else "\ufffd", value)
    if isinstance(value, list):
        return [_clean(item, name) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item, key) for key, item in value.items()}
    return value


def _spelled_out(half: re.Match[str]) -> str:
    return f"\ufffd{ord(half[0]):04x}"


def _shallow(raw: bytes) -> bytes:
    """The same JSON text, in which each part below `MOST_DEPTH` is a string that holds the text of that part."""
    if not is_deep(raw):
        return raw
    pieces: list[bytes] = []
    start = done = 0
    for mark, at, level in _marks(raw):
        if level == MOST_DEPTH + 1 and mark in _CLOSING:
            start = at
        elif level == MOST_DEPTH + 1 and mark in _ENDS:
            part = raw[start : at + 1].decode("utf-8", "surrogateescape")
            pieces += (raw[done:start], json.dumps(part).encode())
            done = at + 1
    return b"".join((*pieces, raw[done:]))


def _marks(raw: bytes, start: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """The brackets, commas and colons outside strings: each with its position and the level that it belongs to.

    Raises ValueError at a quote or bracket without its counterpart.
    """
    awaited: list[bytes] = []
    for token in _TOKEN.finditer(raw, start):
        mark, at = token[0], token.start()
        if mark in _CLOSING:
            awaited.append(_CLOSING[mark])
        elif mark == b'"' or (mark in _ENDS and awaited[-1:] != [mark]):
            raise ValueError(f"{mark.decode()} at byte {at} has no counterpart")
        if len(mark) == 1:
            yield mark, at, len(awaited)
        if mark in _ENDS:
            awaited.pop()
    if awaited:
        raise ValueError(f"it ends before its {awaited[-1].decode()}")


def end_of_object(raw: bytes, start: int) -> int | None:
    """Where the object ends that begins at a position; None if there is none, or it does not end."""
    if raw[start : start + 1] != b"{":
        return None
    try:
        return next((at + 1 for mark, at, level in _marks(raw, start) if level == 1 and mark in _ENDS), None)
    except ValueError:
        return None


def split_array(raw: bytes) -> list[bytes]:
    """The exact bytes of each element of a JSON array, which are not read. Raises ValueError."""
    return [part for part, _ in _members(raw, b"[")]


def split_object(raw: bytes) -> dict[str, bytes]:
    """The exact bytes of each member of a JSON object, which are not read. Raises ValueError."""
    members: dict[str, bytes] = {}
    for part, colon in _members(raw, b"{"):
        if colon is None:
            raise ValueError(f"a member of an object has no colon: {part[:40]!r}")
        members[str(read(part[:colon]))] = part[colon + 1 :].strip(_BLANKS)
    return members


def _members(raw: bytes, opening: bytes) -> Iterator[tuple[bytes, int | None]]:
    """The parts between the commas of the outermost level, and where each one's first colon is."""
    outermost = [(mark, at) for mark, at, level in _marks(raw) if level == 1]
    if not outermost or raw.strip(_BLANKS) != raw[outermost[0][1] : outermost[-1][1] + 1]:
        raise ValueError(f"it is not one value between {opening.decode()} and {_CLOSING[opening].decode()}")
    if [mark for mark, _ in outermost if mark in _CLOSING] != [opening]:
        raise ValueError(f"it does not begin with {opening.decode()}")
    start, colon = outermost[0][1] + 1, None
    for mark, at in outermost[1:]:
        if mark == b":":
            colon = at if colon is None else colon
            continue
        part = raw[start:at]
        if part.strip(_BLANKS):
            blanks = len(part) - len(part.lstrip(_BLANKS))
            yield part.strip(_BLANKS), None if colon is None else colon - start - blanks
        elif mark == b"," or raw[start - 1 : start] == b",":
            raise ValueError(f"nothing stands before the {mark.decode()} at byte {at}")
        start, colon = at + 1, None
