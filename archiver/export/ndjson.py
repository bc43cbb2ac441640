"""NDJSON: everything in the archive, or what matches a query, one conversation at a time in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.archive import ArchiveFile, Record
from archiver.index import Store, found_ids
from archiver.jsontext import encode
from archiver.query import Query
from archiver.transcript import as_json, project


def lines(archive: ArchiveFile, store: Store, query: Query, *, with_raw: bool) -> Iterator[bytes]:
    """One `archiver.transcript/1` per line. Without a query in order of the vault, else oldest first."""
    for record in _records(archive, store, query):
        # JSON has line breaks only between tokens, never inside a string, so they can be removed from a raw record.
        yield encode(_as_json(record, with_raw=with_raw)).replace(b"\r", b"").replace(b"\n", b"") + b"\n"


def _records(archive: ArchiveFile, store: Store, query: Query) -> Iterator[Record]:
    if query.is_everything:
        yield from archive.vault.after(0)
    else:
        for conversation_id in found_ids(store, query):
            yield archive.vault.current(conversation_id)


def _as_json(record: Record, *, with_raw: bool) -> dict[str, Any]:
    raw = record.raw if with_raw else None
    return as_json(project(record.raw), seq=record.seq, fetched_at=record.fetched_at, raw=raw)
