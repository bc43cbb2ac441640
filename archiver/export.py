"""Everything the archive holds, or what a query finds, as a stream: one conversation at a time in memory."""

from __future__ import annotations

from collections.abc import Iterator

from archiver.archive import Archive
from archiver.encoding import encode
from archiver.query import Everything, Query
from archiver.search import found_ids
from archiver.stores import Store
from archiver.transcripts import as_json
from archiver.vault import Record


def lines(archive: Archive, store: Store, query: Query, *, with_raw: bool) -> Iterator[bytes]:
    """NDJSON: one `archiver.transcript/1` a line. Without a query in order of the vault, else oldest first."""
    for record in _records(archive, store, query):
        # JSON may hold line breaks between its tokens, never inside a string: out of a raw record they can go.
        yield encode(as_json(record, with_raw=with_raw)).replace(b"\r", b"").replace(b"\n", b"") + b"\n"


def _records(archive: Archive, store: Store, query: Query) -> Iterator[Record]:
    if isinstance(query.expression, Everything):
        yield from archive.vault.after(0)
    else:
        for conversation_id in found_ids(store, query):
            yield archive.vault.current(conversation_id)
