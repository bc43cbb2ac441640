"""Pages of results in one order for all stores: by a rank, then by id."""

from __future__ import annotations

from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query

from archiver.index.embedded.schema import CONVERSATION_NUMBER, RANK
from archiver.index.results import Key, KeyPage


class Pages:
    """The results of one query in the order of `Key.order`. tantivy sorts by the field of the rank alone, so results of
    one rank are fetched together and sorted here.
    """

    def __init__(self, searcher: Any, schema: Any, query: Any, field: str, *, is_descending: bool) -> None:
        self._searcher, self._schema, self._query = searcher, schema, query
        self._field, self._is_descending = field, is_descending

    def page(self, limit: int, after: Key | None) -> KeyPage:
        """The first results after a key."""
        keys: list[Key] = []
        total: int | None = None
        if after is not None:
            total = count(self._searcher, self._query)
            keys = [key for key in self._at(after.rank) if self._is_beyond(key, after)]
        if len(keys) <= limit:
            found, counted = self._top(limit + 1 - len(keys), None if after is None else after.rank)
            total = counted if total is None else total
            keys += found
        is_last = len(keys) <= limit
        return KeyPage(tuple(keys[:limit]), total or 0, None if is_last else keys[limit - 1])

    def _top(self, limit: int, beyond: int | None) -> tuple[list[Key], int]:
        """The first results whose rank comes after another one, and how many there are in all."""
        query = self._query
        if beyond is not None:
            low, high = (None, beyond) if self._is_descending else (beyond, None)
            query = self._with_ranks(low, high, includes_ends=False)
        order = tantivy.Order.Desc if self._is_descending else tantivy.Order.Asc
        found = self._searcher.search(query, limit, count=True, order_by_field=self._field, order=order)
        ranks = [rank for rank, _ in found.hits]
        # The last one only tells that there are more, unless others of its rank may belong before it.
        last = ranks[-1] if len(ranks) == limit > 1 and ranks[-2] == ranks[-1] else None
        keys = [as_key(self._searcher, address, rank) for rank, address in found.hits if rank != last]
        keys.sort(key=lambda key: key.order, reverse=self._is_descending)
        return keys + (self._at(last) if last is not None else []), found.count

    def _at(self, rank: int) -> list[Key]:
        """All results of one rank."""
        query = self._with_ranks(rank, rank, includes_ends=True)
        most = max(count(self._searcher, query), 1)
        hits = self._searcher.search(query, most, count=False, order_by_field=self._field).hits
        keys = [as_key(self._searcher, address, rank) for _, address in hits]
        return sorted(keys, key=lambda key: key.order, reverse=self._is_descending)

    def _with_ranks(self, low: int | None, high: int | None, *, includes_ends: bool) -> Any:
        ends = (low is None or includes_ends, high is None or includes_ends)
        ranks = Query.range_query(self._schema, self._field, FieldType.Integer, low, high, *ends)
        return Query.boolean_query([(Occur.Must, self._query), (Occur.Must, Query.const_score_query(ranks, 0.0))])

    def _is_beyond(self, key: Key, after: Key) -> bool:
        return key.order < after.order if self._is_descending else key.order > after.order


def count(searcher: Any, query: Any) -> int:
    """How many documents a query finds."""
    return int(searcher.search(query, 1, count=True, order_by_field=RANK).count)


def as_key(searcher: Any, address: Any, rank: int) -> Key:
    """The result that a document is."""
    document = searcher.doc(address)
    return Key(str(document.get_first("key")), document.get_first("message"), rank)


def numbers(searcher: Any, query: Any) -> list[int]:
    """The numbers of all conversations that a query finds."""
    most = max(count(searcher, query), 1)
    hits = searcher.search(query, most, count=False, order_by_field=CONVERSATION_NUMBER).hits
    return [number for number, _ in hits]
