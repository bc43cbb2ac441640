"""Texts of conversations as people read them on a terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

import click

from archiver.query import Snippet
from archiver.transcript import word_diff
from archiver.visible import safe

_CONTEXT = 60

__all__ = ["emphasised", "exact", "highlighted", "one_line", "removed_and_added"]


def one_line(text: str) -> str:
    return " ".join(safe(text).split())


def exact(text: str) -> str:
    """A name on one line that can be told from every other: blanks stay, line breaks and tabs are spelled out."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def highlighted(snippet: Snippet) -> str:
    """The text around the first mark on one line, marks in colour, or in »…« where there is no colour."""
    pieces = _near_first_mark(snippet)
    return "".join(emphasised(_flat(piece)) if is_hit else _flat(piece) for piece, is_hit in pieces)


def removed_and_added(before: str, after: str) -> str:
    """A text and the one that replaced it on one line: [-removed-] {+added+}."""
    signs = {"=": "{}", "-": "[-{}-]", "+": "{{+{}+}}"}
    return one_line("".join(signs[sign].format(piece) for sign, piece in word_diff(before, after)))


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", safe(text))


def emphasised(text: str) -> str:
    """A text in colour, or in »…« where there is no colour."""
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
