"""Texts of customers as pieces that a template can show: marks, links and characters that hide.

A template writes each piece as text. Nothing that a customer wrote is ever markup, and no link is followed by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from urllib.parse import urlsplit, urlunsplit

from archiver.query import Snippet
from archiver.value import Value
from archiver.visible import visible_pieces

_LINK = re.compile(r"https?://[^\s<>\"'`\\^{}|]+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_AFTER_LINK = ".,;:!?)]"
_LONGEST = 20_000  # characters of one text
_AROUND = 160  # characters shown before the first mark of a long text, and three times as many after it


class Piece(Value):
    """A part of a text. `is_hidden`: a character that steers, reverses or hides, spelled out. `href`: the address that
    the text is, whose host is `host`, in its plain form.
    """

    text: str
    is_mark: bool = False
    is_hidden: bool = False
    href: str | None = None
    host: str | None = None


def pieces(snippet: Snippet) -> list[Piece]:
    """A text with its marks as pieces; of a very long one the begin."""
    if len(snippet.text) > _LONGEST:
        inside = tuple((start, min(end, _LONGEST)) for start, end in snippet.marks if start < _LONGEST)
        more = Piece(f" … {len(snippet.text) - _LONGEST:,} more characters are in the record")
        return [*pieces(Snippet(snippet.text[:_LONGEST], inside)), more]
    return [piece for text, is_mark in snippet.pieces() for piece in _with_links(text, is_mark)]


def plain(text: str) -> list[Piece]:
    """A text without marks as pieces."""
    return pieces(Snippet(text))


def excerpt(snippet: Snippet) -> list[Piece]:
    """The text near its first mark, with … where it is cut."""
    if len(snippet.text) <= 4 * _AROUND:
        return pieces(snippet)
    start = max((snippet.marks[0][0] if snippet.marks else 0) - _AROUND, 0)
    end = min(start + 4 * _AROUND, len(snippet.text))
    inside = tuple((max(a - start, 0), min(b, end) - start) for a, b in snippet.marks if a < end and b > start)
    shown = pieces(Snippet(snippet.text[start:end], inside))
    return [*([Piece("…")] if start else []), *shown, *([Piece("…")] if end < len(snippet.text) else [])]


def _with_links(text: str, is_mark: bool) -> Iterator[Piece]:
    at = 0
    for match in _LINK.finditer(text):
        address = match[0].rstrip(_AFTER_LINK)
        host = _plain_host(address)
        if host is None:
            continue
        yield from _visible(text[at : match.start()], is_mark)
        shown = "".join(piece for piece, _ in visible_pieces(address))
        yield Piece(shown, is_mark, href=_at_host(address, host) if shown == address else None, host=host)
        at = match.start() + len(address)
    yield from _visible(text[at:], is_mark)


def _plain_host(address: str) -> str | None:
    """The host of an address in ASCII, so that no letter can pass for another; None if it has none that a browser is
    sure to read in the same way: with percent signs, or a mere number.
    """
    try:
        host = (urlsplit(address).hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    return host if _HOST.fullmatch(host) and not host.replace(".", "").isdigit() else None


def _at_host(address: str, host: str) -> str | None:
    """The address with its host as it is shown, and without a name or password, so that no other one opens."""
    parts = urlsplit(address)
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    return urlunsplit((parts.scheme, f"{host}{port}", parts.path, parts.query, parts.fragment))


def _visible(text: str, is_mark: bool) -> Iterator[Piece]:
    """What can be seen as it is; of the same hidden character many times, how often it stands there."""
    for (piece, is_hidden), run in groupby(visible_pieces(text)):
        count = sum(1 for _ in run)
        yield Piece(f"{piece} × {count:,}" if is_hidden and count > 1 else piece * count, is_mark, is_hidden)
