"""Tables as CSV that a spreadsheet opens as they are meant (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from archiver.visible import safe

_BLANK = " \t\r\n\u00a0\u3000"  # before which it does so, too
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a spreadsheet takes a cell for a formula


def as_csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; None is an empty cell, and a text that a spreadsheet would take for a formula begins with '."""
    return csv_lines([header, *rows])


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """The same without a header."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerows(["" if value is None else _cell(value) for value in row] for row in rows)
    return made.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = safe(value)
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip(_BLANK).startswith(_FORMULA) else text
