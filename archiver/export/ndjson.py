"""NDJSON: one conversation per line, and one at a time in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archiver.archive import Record
from archiver.errors import RecordError
from archiver.jsontext import encode
from archiver.transcript import as_json, project, unreadable_as_json

Note = Callable[[Record, RecordError], None]


def lines(records: Iterable[Record], *, with_raw: bool, note_unreadable: Note) -> Iterator[bytes]:
    """One `archiver.transcript/1` per line, in the order of the records. A record that can't be read as a conversation
    becomes an `archiver.unreadable/1` with its bytes, and is given to `note_unreadable`.
    """
    for record in records:
        # Valid JSON has line breaks only between tokens, never inside a string: they can be removed from a raw record.
        content = encode(_as_json(record, with_raw, note_unreadable))
        yield content.replace(b"\r", b"").replace(b"\n", b"") + b"\n"


def _as_json(record: Record, with_raw: bool, note_unreadable: Note) -> dict[str, Any]:
    try:
        raw = record.raw if with_raw else None
        return as_json(project(record.raw), seq=record.seq, fetched_at=record.fetched_at, raw=raw)
    except RecordError as error:
        note_unreadable(record, error)
        return unreadable_as_json(
            record.conversation_id, error.message, seq=record.seq, fetched_at=record.fetched_at, raw=record.raw
        )
