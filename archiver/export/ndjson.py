"""NDJSON: one conversation per line, and one at a time in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archiver.archive import Record
from archiver.errors import RecordError
from archiver.jsontext import encode
from archiver.model import Transcript
from archiver.transcript import as_json, project, unreadable_as_json

Note = Callable[[Record, RecordError], None]
Read = Callable[[Record], Transcript]


def _project(record: Record) -> Transcript:
    return project(record.raw)


def lines(
    records: Iterable[Record], *, with_raw: bool, note_unreadable: Note, read: Read = _project
) -> Iterator[bytes]:  # fmt: skip
    """One `archiver.transcript/1` per line, in the order of the records, as `read` reads them. A record that can't be
    read as a conversation becomes an `archiver.unreadable/1` with its bytes, and is given to `note_unreadable`.
    """
    for record in records:
        # Valid JSON has line breaks only between tokens, never inside a string: they can be removed from a raw record.
        content = encode(_as_json(record, with_raw, note_unreadable, read))
        yield content.replace(b"\r", b"").replace(b"\n", b"") + b"\n"


def _as_json(record: Record, with_raw: bool, note_unreadable: Note, read: Read) -> dict[str, Any]:
    try:
        raw = record.raw if with_raw else None
        return as_json(read(record), seq=record.seq, fetched_at=record.fetched_at, raw=raw)
    except RecordError as error:
        note_unreadable(record, error)
        return unreadable_as_json(
            record.conversation_id, error.message, seq=record.seq, fetched_at=record.fetched_at, raw=record.raw
        )
