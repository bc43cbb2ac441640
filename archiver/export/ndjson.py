"""NDJSON: one conversation per line, and one at a time in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archiver.archive import Record
from archiver.jsontext import encode
from archiver.transcript import as_json, project


def lines(records: Iterable[Record], *, with_raw: bool) -> Iterator[bytes]:
    """One `archiver.transcript/1` per line, in the order of the records."""
    for record in records:
        # Valid JSON has line breaks only between tokens, never inside a string: they can be removed from a raw record.
        yield encode(_as_json(record, with_raw=with_raw)).replace(b"\r", b"").replace(b"\n", b"") + b"\n"


def _as_json(record: Record, *, with_raw: bool) -> dict[str, Any]:
    raw = record.raw if with_raw else None
    return as_json(project(record.raw), seq=record.seq, fetched_at=record.fetched_at, raw=raw)
