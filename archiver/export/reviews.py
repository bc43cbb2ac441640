"""What reviewers say of the conversations of a case, beside them in a package: for programs and for a spreadsheet."""

from __future__ import annotations

from typing import Any

from archiver.export.folder import Folder
from archiver.export.spreadsheet import csv_lines
from archiver.jsontext import pretty
from archiver.value import Value

_COLUMNS = ("conversation_id", "part", "status", "tags", "note", "reviewer", "read_at")


class Reviews(Value):
    """`content` is `archiver.review/1`; `words` say in a sentence what the package holds."""

    content: dict[str, Any]
    words: str

    @property
    def query(self) -> str:
        """The query that found all of it; empty if that is not so."""
        parts = {item["part"] for item in self.content["items"]}
        return str(self.content["query"]) if parts <= {"hit", "later", "sample"} else ""

    @property
    def count(self) -> int:
        return len(self.content["items"])

    def write(self, folder: Folder) -> None:
        """Writes review.json and review.csv."""
        folder.put("review.json", pretty(self.content).encode())
        rows = [[_cell(item[column]) for column in _COLUMNS] for item in self.content["items"]]
        folder.put("review.csv", f"\ufeff{csv_lines([_COLUMNS, *rows])}".encode("utf-8", "replace"))


def _cell(value: str | tuple[str, ...] | None) -> str:
    return ", ".join(value) if isinstance(value, tuple) else value or ""
