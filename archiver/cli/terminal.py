"""Makes text safe for terminals: what customers wrote must not control the reader's terminal or reverse text."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import click

from archiver.query import Snippet

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTEXT = 60


def safe(text: str) -> str:
    """The text with control and direction characters spelled out; line breaks and tabs stay."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def one_line(text: str) -> str:
    return " ".join(safe(text).split())


def highlighted(snippet: Snippet) -> str:
    """The text around the first mark on one line, marks in colour, or in »…« where there is no colour."""
    pieces = _near_first_mark(snippet)
    return "".join(_emphasised(_flat(piece)) if is_hit else _flat(piece) for piece, is_hit in pieces)


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", safe(text))


def _emphasised(text: str) -> str:
    has_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    return click.style(text, bold=True, fg="yellow") if has_colour else f"»{text}«"


def _near_first_mark(snippet: Snippet) -> Iterable[tuple[str, bool]]:
    if len(snippet.text) <= 4 * _CONTEXT or not snippet.marks:
        return list(snippet.pieces())
    start = max(snippet.marks[0][0] - _CONTEXT, 0)
    end = min(max(snippet.marks[0][1], start + 3 * _CONTEXT) + _CONTEXT, len(snippet.text))
    inside = tuple((a - start, min(b, end) - start) for a, b in snippet.marks if a < end)
    pieces = list(Snippet(snippet.text[start:end], inside).pieces())
    return [("…" if start else "", False), *pieces, ("…" if end < len(snippet.text) else "", False)]
