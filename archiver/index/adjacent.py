"""The conversations beside one, among those that a query finds."""

from __future__ import annotations

from archiver.index.ranks import rank
from archiver.index.results import Key, Sort
from archiver.index.store import Store
from archiver.model import Transcript
from archiver.query import Query, Scope
from archiver.value import Value


class Neighbours(Value):
    """The ids of the conversations that started directly after and before one; None where there is none."""

    newer: str | None = None
    older: str | None = None


def neighbours(store: Store, query: Query, transcript: Transcript) -> Neighbours:
    """The neighbours of a conversation, whether the query finds it or not. Raises StoreError."""
    here = Key(transcript.id, None, rank(transcript.metadata.started_at))

    def next_in(sort: Sort) -> str | None:
        page = store.search(
            query.expression, scope=Scope.CONVERSATION, sort=sort, limit=1, after=here, is_counted=False
        )
        return page.keys[0].conversation_id if page.keys else None

    return Neighbours(next_in(Sort.OLDEST), next_in(Sort.NEWEST))
