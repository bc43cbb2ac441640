"""Asks the indices of a family: which documents match, in which order, how many. Texts always come from the vault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from archiver.errors import StoreError
from archiver.index.axes import MOST_VALUES, Axes, Tally, aggregations, tallies_of, too_many_values
from archiver.index.elastic.queries import VISIBLE, Dsl, IsTaken, conversation_query, message_query
from archiver.index.elastic.server import Server
from archiver.index.paging import every_item
from archiver.index.ranks import RANKED, most_matches_first, page_of
from archiver.index.results import Key, KeyPage, Sort
from archiver.query import Expression, Scope, marked_messages

Answer = TypeVar("Answer")
_MOST_AT_ONCE = 10_000  # Elasticsearch's own limit of one page
_KINDS = {Scope.CONVERSATION: "metadata", Scope.MESSAGE: "messages"}
_BY_SCORE = [{"_score": "desc"}, {"rank": "desc"}]
_NOTHING: dict[str, Any] = {"hits": {"hits": [], "total": {"value": 0}}}


class Searching:
    """The queries of a store. `target` gives the indices of one kind of document, as the path of a request."""

    def __init__(self, server: Server, target: Callable[[str], str]) -> None:
        self._server = server
        self._target = target

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: Key | None = None
    ) -> KeyPage:
        if sort is Sort.MATCHES:
            return self._by_matches(expression, limit, after)
        cursor = None if after is None else _sorted_by(after, scope)
        hits, total = self._asked(expression, scope, lambda query: self._hits(scope, query, sort, limit + 1, cursor))
        keys = tuple(_key(hit) for hit in hits[:limit])
        has_more = len(hits) > limit and sort is not Sort.RELEVANCE
        return KeyPage(keys, total, keys[-1] if has_more else None)

    def _asked(self, expression: Expression, scope: Scope, ask: Callable[[Dsl], Answer]) -> Answer:
        """What `ask` returns for the query, which is divided if it stands for more words than the server allows."""
        try:
            return ask(self._query(expression, scope))
        except StoreError as error:
            if not _has_too_many(error):
                raise
            return ask(self._query(expression, scope, lambda query: self._is_taken(scope, query)))

    def _query(self, expression: Expression, scope: Scope, is_taken: IsTaken | None = None) -> Dsl:
        if scope is Scope.CONVERSATION:
            return conversation_query(expression, is_taken)
        return message_query(expression, self._conversations, is_taken)

    def _is_taken(self, scope: Scope, query: Dsl) -> bool:
        """Whether the words that a query stands for are so few that the server takes it."""
        try:
            self._page(scope, query, Sort.NEWEST, 1, None)
        except StoreError as error:
            if not _has_too_many(error):
                raise
            return False
        return True

    def _conversations(self, expression: Expression) -> list[str]:
        """The ids of all conversations that an expression finds, whatever their number."""

        def every(query: Dsl) -> list[str]:
            hits = self._every_hit(Scope.CONVERSATION, query, Sort.OLDEST, _MOST_AT_ONCE)
            return [hit["fields"]["conversation_id"][0] for hit in hits]

        return self._asked(expression, Scope.CONVERSATION, every)

    def _hits(
        self, scope: Scope, query: Dsl, sort: Sort, limit: int, after: list[Any] | None
    ) -> tuple[list[dict[str, Any]], int]:
        """The first hits after a cursor, in as many requests as needed, and the exact total."""
        size = min(limit, _MOST_AT_ONCE)
        hits, total = self._page(scope, query, sort, size, after, is_counted=True)
        if hits and len(hits) < min(limit, total):
            more = self._every_hit(scope, query, sort, size, after=hits[-1]["sort"])
            hits += islice(more, limit - len(hits))
        return hits, total

    def _every_hit(
        self, scope: Scope, query: Dsl, sort: Sort, size: int, *, after: list[Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        def page(after: list[Any] | None) -> tuple[list[dict[str, Any]], list[Any] | None]:
            hits, _ = self._page(scope, query, sort, size, after)
            return hits, hits[-1]["sort"] if len(hits) == size else None

        return every_item(page, after=after)

    def _page(
        self, scope: Scope, query: Dsl, sort: Sort, size: int, after: list[Any] | None, *, is_counted: bool = False
    ) -> tuple[list[dict[str, Any]], int]:
        body = {
            "query": query, "sort": _order(scope, sort), "size": size, "track_total_hits": is_counted, "_source": False,
            "docvalue_fields": ["conversation_id", *(["id"] if scope is Scope.MESSAGE else [])],
        }  # fmt: skip
        if after is not None:
            body["search_after"] = after
        answer = self._search(
            _KINDS[scope], body, {"search_type": "dfs_query_then_fetch"} if sort is Sort.RELEVANCE else {}
        )
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits, int(answer["hits"].get("total", {}).get("value", 0))

    def _search(self, kind: str, body: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One search over all shards. A response from only some shards raises an error."""
        params = {**(params or {}), "allow_partial_search_results": "false"}
        answer: dict[str, Any] = self._server.ask(
            "POST", f"/{self._target(kind)}/_search", body, params, absent=_NOTHING
        )
        if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
            raise StoreError("only some of Elasticsearch's shards answered", hint="See its log, and try again.")
        return answer

    def tallies(self, expression: Expression, asked: Sequence[Axes], scope: Scope) -> list[Tally]:
        """How many results have each value, for each of the axes that are asked for."""
        request = aggregations(asked, "facets.{}".format)
        return tallies_of(self._aggregated(expression, scope, request), asked)

    def _aggregated(self, expression: Expression, scope: Scope, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to an aggregation over all results. Raises StoreError if it has too many values."""
        kind = _KINDS[scope]
        try:
            answer = self._asked(
                expression, scope, lambda query: self._search(kind, {"query": query, "size": 0, "aggs": request})
            )
        except StoreError as error:
            if "too many buckets" in error.message.lower() or "too_many_buckets" in error.message:
                raise too_many_values() from None
            raise
        found: dict[str, Any] = answer.get("aggregations", {})
        return found

    def _by_matches(self, expression: Expression, limit: int, after: Key | None) -> KeyPage:
        """Conversations by how many of their messages hold words of the expression."""
        hits, total = self._asked(
            expression, Scope.CONVERSATION,
            lambda query: self._hits(Scope.CONVERSATION, query, Sort.NEWEST, MOST_VALUES, None),
        )  # fmt: skip
        if total > MOST_VALUES:
            raise too_many_values()
        terms = {"terms": {"field": "conversation_id", "size": MOST_VALUES}}
        found = (
            self._aggregated(marked_messages(expression), Scope.MESSAGE, {"by": terms}).get("by", {}).get("buckets", ())
        )
        counts = {bucket["key"]: bucket["doc_count"] for bucket in found}
        return page_of(most_matches_first(map(_key, hits), counts), limit, after, is_descending=True)

    def count(self) -> int:
        answer = self._search("metadata", {"size": 0, "track_total_hits": True, "query": VISIBLE})
        return int(answer["hits"]["total"]["value"])


def _has_too_many(error: StoreError) -> bool:
    """Whether the server refuses a query because of the number of words that its prefixes stand for."""
    return "too many clauses" in error.message or "too many terms" in error.message


def _order(scope: Scope, sort: Sort) -> list[dict[str, str]]:
    """The order of `Key.order`."""
    if sort is Sort.RELEVANCE:
        return _BY_SCORE
    direction = "asc" if sort is Sort.OLDEST else "desc"
    fields = (
        f"ranks.{sort}" if sort in RANKED else "rank",
        "conversation_id",
        *(("id",) if scope is Scope.MESSAGE else ()),
    )
    return [{field: direction} for field in fields]


def _sorted_by(key: Key, scope: Scope) -> list[Any]:
    """A key's values in that order."""
    return [key.rank, key.conversation_id, *((key.message_id or "",) if scope is Scope.MESSAGE else ())]


def _key(hit: dict[str, Any]) -> Key:
    fields = hit["fields"]
    rank = hit["sort"][0] if isinstance(hit["sort"][0], int) else 0  # a relevance is no rank
    return Key(fields["conversation_id"][0], fields["id"][0] if "id" in fields else None, rank)
