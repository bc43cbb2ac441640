"""CSV: a file of conversations, one of messages and one of SDEs, which a spreadsheet opens as they are meant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from archiver.export.folder import Folder
from archiver.export.item import Item
from archiver.export.spreadsheet import csv_lines
from archiver.export.tables import CONVERSATIONS, MESSAGES, SDES, Row, conversation_row, message_rows, sde_rows
from archiver.transcript import iso

_MARK = "\ufeff"  # by which Excel knows UTF-8
_FILES = {"conversations.csv": CONVERSATIONS, "messages.csv": MESSAGES, "sdes.csv": SDES}


class CsvFiles:
    """Writes them."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def begin(self) -> None:
        for name, columns in _FILES.items():
            self._folder.growing(name).write((_MARK + csv_lines([tuple(columns)])).encode())

    def rest_before(self, _: Item) -> bool:
        return True

    def add(self, item: Item) -> None:
        if item.transcript:
            self._write("conversations.csv", [conversation_row(item, item.transcript)])
            self._write("messages.csv", message_rows(item.transcript))
            self._write("sdes.csv", sde_rows(item.transcript))

    def end(self, count: int, unreadable: int) -> None:
        for name in _FILES:
            self._folder.finish(name)

    def _write(self, name: str, rows: Iterable[Row]) -> None:
        text = csv_lines([tuple(map(_plain, row)) for row in rows])
        self._folder.growing(name).write(text.encode("utf-8", "replace"))


def _plain(value: Any) -> Any:
    """As text that every program reads alike."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value
