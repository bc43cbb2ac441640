"""A question to the archive: the store finds ids, the vault gives the texts, the matcher says where it matched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.index.protocol import Store
from archiver.index.results import Facet, Hit, Key, Results, Sort
from archiver.query import Query, Reading, Scope
from archiver.transcript import project

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Request:
    query: Query
    scope: Scope = Scope.CONVERSATION
    sort: Sort = Sort.NEWEST
    limit: int = 20
    after: int | None = None


def search(archive: Archive, store: Store, request: Request) -> Results:
    """One page of hits with marked texts. Raises StoreError, IntegrityError."""
    found = store.search(
        request.query.expression, scope=request.scope, sort=request.sort, limit=request.limit, after=request.after
    )
    hits = tuple(_hit(archive, request.query, key) for key in found.keys)
    return Results(hits, found.total, found.next, request.query.notices)


def _hit(archive: Archive, query: Query, key: Key) -> Hit:
    transcript = project(archive.vault.current(key.conversation_id).raw)
    message = None
    if key.message_id is not None:
        message = next((item for item in transcript.messages if item.id == key.message_id), None)
    matches = tuple(Reading(transcript).matches(query.expression, message))
    return Hit(transcript, matches, key.message_id)


def count_by(store: Store, query: Query, names: Sequence[str], limit: int) -> Mapping[str, tuple[Facet, ...]]:
    """How many of the conversations that a query finds have each value of some facets. Raises StoreError."""
    return store.facets(query.expression, names, limit=limit) if names else {}


def found_ids(store: Store, query: Query) -> Iterator[str]:
    """The ids of every conversation that a query finds, oldest first, a page at a time."""
    after: int | None = None
    while True:
        found = store.search(query.expression, scope=Scope.CONVERSATION, sort=Sort.OLDEST, limit=_PAGE, after=after)
        yield from (key.conversation_id for key in found.keys)
        after = found.next
        if after is None:
            return
