"""Pages of results in one order for all stores: by a rank, then by id."""

from __future__ import annotations

from typing import Any

import tantivy
from tantivy import FieldType, Occur, Query

from archiver.index.embedded.schema import CONVERSATION_NUMBER, RANK
from archiver.index.results import Key, KeyPage

_SPARE = 16  # results more than asked for, so that seldom a page ends within a rank


class Pages:
    """The results of one query in the order of `Key.order`. tantivy sorts by the field of the rank alone, so results of
    one rank are fetched together and sorted here.
    """

    def __init__(self, searcher: Any, schema: Any, query: Any, field: str, *, is_descending: bool) -> None:
        self._searcher, self._schema, self._query = searcher, schema, query
        self._field, self._is_descending = field, is_descending

    def page(self, limit: int, after: Key | None, *, is_counted: bool) -> KeyPage:
        """The first results after a key; with how many there are in all if they are to be counted."""
        if after is None:
            keys, total = self._top(limit + 1, self._query)
        else:
            keys = self._beyond(limit + 1, after)
            total = count(self._searcher, self._query) if is_counted else 0
        is_last = len(keys) <= limit
        return KeyPage(tuple(keys[:limit]), total, None if is_last else keys[limit - 1])

    def _beyond(self, limit: int, after: Key) -> list[Key]:
        """The first results after a key, which is mostly the only one of its rank that has to be left out."""
        low, high = (None, after.rank) if self._is_descending else (after.rank, None)
        query, left_out = self._with_ranks(low, high), 1
        while True:
            found, _ = self._top(limit + left_out, query)
            keys = [key for key in found if self._is_beyond(key, after)]
            if len(keys) >= limit or len(found) < limit + left_out:
                return keys
            left_out = len(found) - len(keys)

    def _top(self, limit: int, query: Any) -> tuple[list[Key], int]:
        """The first results of a query, and all others of the last one's rank; and how many there are in all."""
        order = tantivy.Order.Desc if self._is_descending else tantivy.Order.Asc
        found = self._searcher.search(query, limit + _SPARE, count=True, order_by_field=self._field, order=order)
        ranks: list[int] = [rank for rank, _ in found.hits]
        if not ranks:
            return [], found.count
        last = ranks[min(limit, len(ranks)) - 1]
        is_whole = found.count == len(ranks) or ranks[-1] != last
        taken = [pair for at, pair in enumerate(found.hits) if at < limit or pair[0] == last]
        keys = [as_key(self._searcher, address, rank) for rank, address in taken if is_whole or rank != last]
        keys.sort(key=lambda key: key.order, reverse=self._is_descending)
        return keys + ([] if is_whole else self._at(last)), found.count

    def _at(self, rank: int) -> list[Key]:
        """All results of one rank."""
        query = self._with_ranks(rank, rank)
        most = count(self._searcher, query)
        hits = self._searcher.search(query, most, count=False, order_by_field=self._field).hits
        keys = [as_key(self._searcher, address, rank) for _, address in hits]
        return sorted(keys, key=lambda key: key.order, reverse=self._is_descending)

    def _with_ranks(self, low: int | None, high: int | None) -> Any:
        """The results with ranks from a low to a high one, both included."""
        ranks = Query.range_query(self._schema, self._field, FieldType.Integer, low, high)
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
