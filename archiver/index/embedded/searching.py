"""Asks the index at one moment: which documents match, in which order, how many, and with which values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archiver.index.axes import MOST_VALUES, Axes, Tally, aggregations, tallies_of, too_many_values
from archiver.index.embedded.documents import number_of
from archiver.index.embedded.pages import Pages, as_key, count, numbers
from archiver.index.embedded.queries import conversation_query, message_query
from archiver.index.embedded.schema import CONVERSATION_NUMBER, RANK, facet_field, rank_field
from archiver.index.ranks import RANKED, most_matches_first, page_of
from archiver.index.results import Key, KeyPage, Sort
from archiver.query import Expression, Scope, marked_messages


class Searching:
    """The questions of a store, answered by one searcher."""

    def __init__(self, searcher: Any, schema: Any) -> None:
        self._searcher, self._schema = searcher, schema

    def page(
        self, expression: Expression, scope: Scope, sort: Sort, limit: int, after: Key | None, *, is_counted: bool
    ) -> KeyPage:
        """The results after a key."""
        query = self._query(expression, scope)
        if sort is Sort.RELEVANCE:
            hits = self._searcher.search(query, limit, count=False).hits
            return KeyPage(tuple(self._key(address, 0) for _, address in hits), count(self._searcher, query))
        if sort is Sort.MATCHES:
            found = self._every_key(query)
            ordered = most_matches_first(found, self._matching(expression, found))
            return page_of(ordered, limit, after, is_descending=True)
        field = rank_field(sort) if sort in RANKED else RANK
        pages = Pages(self._searcher, self._schema, query, field, is_descending=sort is not Sort.OLDEST)
        return pages.page(limit, after, is_counted=is_counted)

    def tallies(self, expression: Expression, asked: Sequence[Axes], scope: Scope) -> list[Tally]:
        """How many results have each value, for each of the axes that are asked for."""
        request = aggregations(asked, facet_field)
        return tallies_of(self._aggregate(self._query(expression, scope), request), asked)

    def _query(self, expression: Expression, scope: Scope) -> Any:
        translate = conversation_query if scope is Scope.CONVERSATION else message_query
        return translate(self._schema, self._searcher, expression, lambda query: numbers(self._searcher, query))

    def _key(self, address: Any, rank: int) -> Key:
        return as_key(self._searcher, address, rank)

    def _every_key(self, query: Any) -> list[Key]:
        """All results. Raises StoreError if they are very many."""
        found = count(self._searcher, query)
        if found > MOST_VALUES:
            raise too_many_values()
        hits = self._searcher.search(query, max(found, 1), count=False, order_by_field=RANK).hits
        return [self._key(address, rank) for rank, address in hits]

    def _matching(self, expression: Expression, found: Sequence[Key]) -> Mapping[str, int]:
        """How many messages of each result hold words of the expression."""
        query = self._query(marked_messages(expression), Scope.MESSAGE)
        terms = {"terms": {"field": CONVERSATION_NUMBER, "size": MOST_VALUES}}
        buckets = self._aggregate(query, {"by": terms})["by"]["buckets"]
        counts = {bucket["key"]: bucket["doc_count"] for bucket in buckets}
        return {key.conversation_id: counts.get(number_of(key.conversation_id), 0) for key in found}

    def _aggregate(self, query: Any, request: dict[str, Any]) -> Any:
        try:
            return self._searcher.aggregate(query, request)
        except ValueError as error:
            if "bucket limit" in str(error).lower():  # tantivy has no error codes
                raise too_many_values() from None
            raise
