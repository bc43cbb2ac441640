"""Parquet: typed tables of conversations, messages and SDEs, partitioned by the month of the start. Needs pyarrow."""

from __future__ import annotations

import importlib
from typing import Any

from archiver.errors import ConfigError
from archiver.export.folder import Folder
from archiver.export.item import Item
from archiver.export.tables import CONVERSATIONS, MESSAGES, SDES, Row, conversation_row, message_rows, sde_rows
from archiver.model import Transcript

_ROWS_AT_ONCE = 20_000
_UNKNOWN = "unknown"  # the month of a conversation without a start
_TABLES = {"conversations": CONVERSATIONS, "messages": MESSAGES, "sdes": SDES}


def check_parquet() -> None:
    """Raises ConfigError if the library for it is not there."""
    try:
        importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise ConfigError("parquet needs pyarrow", hint="Install it: pip install pyarrow") from None


class ParquetFiles:
    """Writes them, a month after the other: conversations have to come in the order of their starts."""

    def __init__(self, folder: Folder) -> None:
        check_parquet()
        self._arrow, self._parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
        self._folder = folder
        self._month: str | None = None
        self._writers: dict[str, Any] = {}
        self._rows: dict[str, list[Row]] = {name: [] for name in _TABLES}

    def begin(self) -> None:
        """Nothing stands before the first month."""

    def rest_before(self, item: Item) -> bool:
        if item.transcript and _month_of(item.transcript) != self._month:
            self._rest()
        return not self._writers and not any(self._rows.values())

    def add(self, item: Item) -> None:
        if not item.transcript:
            return
        month = _month_of(item.transcript)
        if month != self._month:
            self._rest()
            self._month = month
        self._rows["conversations"].append(conversation_row(item, item.transcript))
        self._rows["messages"] += message_rows(item.transcript)
        self._rows["sdes"] += sde_rows(item.transcript)
        for name, rows in self._rows.items():
            if len(rows) >= _ROWS_AT_ONCE:
                self._flush(name)

    def _rest(self) -> None:
        """Completes the files of the month."""
        for name in _TABLES:
            if self._rows[name]:
                self._flush(name)
        for name, writer in self._writers.items():
            writer.close()
            self._folder.finish(self._file(name))
        self._writers, self._month = {}, None

    def end(self, count: int, unreadable: int) -> None:
        """Completes the last month. A table without a row is a file without one, so that whoever reads it finds it."""
        self._rest()
        self._month = _UNKNOWN
        for name in _TABLES:
            if not any(file.startswith(f"{name}/") for file in self._folder.names()):
                self._flush(name)
        self._rest()

    def _flush(self, name: str) -> None:
        schema = self._schema(_TABLES[name])
        if name not in self._writers:
            file = self._folder.growing(self._file(name))
            self._writers[name] = self._parquet.ParquetWriter(file, schema, compression="zstd")
            self._folder.at_close(self._writers[name].close)
        rows, self._rows[name] = self._rows[name], []
        columns = zip(*rows, strict=True) if rows else [()] * len(schema)
        arrays = [
            self._arrow.array(_readable(column), field.type) for field, column in zip(schema, columns, strict=True)
        ]
        self._writers[name].write_table(self._arrow.Table.from_arrays(arrays, schema=schema))

    def _file(self, name: str) -> str:
        return f"{name}/month={self._month}/{name}.parquet"

    def _schema(self, columns: dict[str, str]) -> Any:
        arrow = self._arrow
        types = {
            "text": arrow.string(), "time": arrow.timestamp("ms", "UTC"), "number": arrow.float64(),
            "integer": arrow.int64(), "truth": arrow.bool_(),
        }  # fmt: skip
        return arrow.schema([arrow.field(name, types[kind]) for name, kind in columns.items()])


def _month_of(transcript: Transcript) -> str:
    started = transcript.metadata.started_at
    return f"{started:%Y-%m}" if started else _UNKNOWN


def _readable(values: tuple[Any, ...]) -> list[Any]:
    """Halves of surrogate pairs, which are no UTF-8, are replaced."""
    return [value.encode("utf-8", "replace").decode() if isinstance(value, str) else value for value in values]
