"""Numbers as text that sorts like the numbers, so that an index of words finds ranges of them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

WIDTH = 16
_SIGN, _ALL = 1 << 63, (1 << 64) - 1
_DIGITS = "0123456789abcdef"


def sortable(number: float) -> str:
    """A finite number as 16 hexadecimal digits in the order of numbers; -0 is 0."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    return f"{bits ^ (_ALL if bits & _SIGN else _SIGN):0{WIDTH}x}"


def between(low: float | None, high: float | None) -> tuple[str, str]:
    """The first text of `low <= number < high`, and the first one behind it; None leaves a side open."""
    return ("0" * WIDTH if low is None else sortable(low)), ("g" if high is None else sortable(high))


def pieces(first: str, end: str) -> Iterator[tuple[str, str, str]]:
    """The texts from `first` to before `end`, as (begin, lowest and highest digit that follows it); nothing follows if
    both are empty.
    """
    if first >= end:
        return
    end = end if len(end) == WIDTH else ""
    shared = 0
    while end and first[shared] == end[shared]:
        shared += 1
    yield from _from(first, shared)
    begin = first[:shared]
    low, high = _DIGITS.index(first[shared]), _DIGITS.index(end[shared]) if end else len(_DIGITS)
    if low + 1 <= high - 1:
        yield begin, _DIGITS[low + 1], _DIGITS[high - 1]
    for at in range(shared + 1, WIDTH) if end else ():
        digit = _DIGITS.index(end[at])
        if digit:
            yield end[:at], _DIGITS[0], _DIGITS[digit - 1]


def _from(first: str, shared: int) -> Iterator[tuple[str, str, str]]:
    """`first` itself, and all texts behind it that begin with the same digits up to and with the one at `shared`."""
    yield first, "", ""
    for at in range(WIDTH - 1, shared, -1):
        digit = _DIGITS.index(first[at])
        if digit + 1 < len(_DIGITS):
            yield first[:at], _DIGITS[digit + 1], _DIGITS[-1]
