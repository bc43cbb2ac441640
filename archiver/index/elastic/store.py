"""The Elasticsearch store: position, queries, rebuilds. Texts always come from the vault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from archiver.config import StoreAddress
from archiver.errors import StoreError, StoreOutdated
from archiver.index.elastic.bulk import Limits
from archiver.index.elastic.family import Family, serving, shape
from archiver.index.elastic.position import Position
from archiver.index.elastic.queries import VISIBLE, Dsl, IsTaken, conversation_query, message_query
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.writer import ElasticWriter
from archiver.index.paging import every_item
from archiver.index.results import Facet, Key, KeyPage, Refusal, Sort
from archiver.index.store import StoreStatus
from archiver.query import Expression, Scope

Answer = TypeVar("Answer")
_MOST_AT_ONCE = 10_000  # Elasticsearch's own limit of one page
_MOST_VALUES = 60_000
_ORDERS = {
    Sort.NEWEST: [{"rank": "desc"}],
    Sort.OLDEST: [{"rank": "asc"}],
    Sort.RELEVANCE: [{"_score": "desc"}, {"rank": "desc"}],
}


def open_store(address: StoreAddress, folder: Path, archive_id: str) -> ElasticStore:
    """The store at an address; makes no request yet. Raises ConfigError for an unusable address."""
    return ElasticStore(connect(address), address.prefix, archive_id)


class ElasticStore:
    """The family behind the prefix's aliases; with `building`, a new family that is not yet behind them."""

    def __init__(
        self, server: Server, prefix: str, archive_id: str, *, limits: Limits | None = None, building: int | None = None
    ) -> None:
        self._server = server
        self._prefix = prefix
        self._archive_id = archive_id
        self._limits = limits or Limits()
        self._building = building
        self._shares_server = building is not None

    def _family(self) -> Family | None:
        number = self._building or serving(self._server, self._prefix)
        return Family(self._server, self._prefix, number) if number else None

    def _position(self, family: Family) -> Position:
        return Position(self._server, family.state, self._archive_id)

    def applied(self) -> int:
        family = self._family()
        return int(self._position(family).read().get("applied", 0)) if family else 0

    def check_current(self) -> None:
        family = self._family()
        if family:
            _check_shape(self._position(family).read())

    @contextmanager
    def writing(self, *, expected: int) -> Iterator[ElasticWriter]:
        family = self._family()
        if family is None:
            self.prepare()
            family = self._family()
            assert family is not None
        position = self._position(family)
        _check_shape(position.read())
        writer = ElasticWriter(self._server, family, position, self._limits, expected)
        with self._server.patient(self._limits.patience_s), writer.running():
            yield writer

    def refused(self) -> tuple[Refusal, ...]:
        family = self._family()
        return tuple(self._position(family).refused()) if family else ()

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> KeyPage:
        cursor = None if after is None else [after]
        hits, total = self._asked(expression, scope, lambda query: self._hits(scope, query, sort, limit + 1, cursor))
        keys = tuple(_key(hit) for hit in hits[:limit])
        has_more = len(hits) > limit and sort is not Sort.RELEVANCE
        return KeyPage(keys, total, keys[-1].cursor if has_more else None)

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
            "query": query, "sort": _ORDERS[sort], "size": size, "track_total_hits": is_counted, "_source": False,
            "docvalue_fields": ["conversation_id", "rank", *(["id"] if scope is Scope.MESSAGE else [])],
        }  # fmt: skip
        if after is not None:
            body["search_after"] = after
        kind = "metadata" if scope is Scope.CONVERSATION else "messages"
        answer = self._search(kind, body, {"search_type": "dfs_query_then_fetch"} if sort is Sort.RELEVANCE else {})
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits, int(answer["hits"].get("total", {}).get("value", 0))

    def _search(self, kind: str, body: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One search over all shards. A response from only some shards raises an error."""
        family = self._family() if self._building else None
        target = f"{family.names.of_family(kind)}-*" if family else f"{self._prefix}-{kind}"
        params = {**(params or {}), "allow_partial_search_results": "false"}
        answer: dict[str, Any] = self._server.ask("POST", f"/{target}/_search", body, params, absent=_NOTHING)
        if answer.get("timed_out") or answer.get("_shards", {}).get("failed"):
            raise StoreError("only some of Elasticsearch's shards answered", hint="See its log, and try again.")
        return answer

    def facets(self, expression: Expression, names: Sequence[str], *, limit: int) -> Mapping[str, tuple[Facet, ...]]:
        order = [{"_count": "desc"}, {"_key": "asc"}]
        counts = {
            name: {"terms": {"field": f"facets.{name}", "size": limit, "shard_size": _MOST_VALUES, "order": order}}
            for name in names
        }
        answer = self._asked(
            expression,
            Scope.CONVERSATION,
            lambda query: self._search("metadata", {"query": query, "size": 0, "aggs": counts}),
        )
        aggregations = answer.get("aggregations", {})
        return {name: tuple(_facets(aggregations.get(name, {}))) for name in names}

    def count(self) -> int:
        answer = self._search("metadata", {"size": 0, "track_total_hits": True, "query": VISIBLE})
        return int(answer["hits"]["total"]["value"])

    def begin_rebuild(self) -> ElasticStore:
        current = serving(self._server, self._prefix) or 0
        fresh = Family(self._server, self._prefix, current + 1)
        fresh.drop()
        fresh.prepare(is_serving=False)
        return ElasticStore(self._server, self._prefix, self._archive_id, limits=self._limits, building=current + 1)

    def finish_rebuild(self) -> None:
        family = self._family()
        assert family is not None
        number = serving(self._server, self._prefix)
        family.take_place_of(Family(self._server, self._prefix, number) if number else None)
        self._building = None

    def prepare(self) -> None:
        number = serving(self._server, self._prefix)
        family = Family(self._server, self._prefix, number or 1)
        position = self._position(family)
        state = position.read()
        _check_shape(state)
        family.prepare(is_serving=True)
        if state.get("is_backfilling"):
            ElasticWriter(self._server, family, position, self._limits, 0).end_backfill()
        elif not state:
            position.write(applied=0, shape=shape(), is_backfilling=False)

    def status(self) -> StoreStatus:
        family = self._family()
        if family is None:
            return StoreStatus(
                kind="elasticsearch", place=self._server.name, version=self._server.version, is_prepared=False,
                is_current=True, applied=0, conversations=0,
            )  # fmt: skip
        position = self._position(family).read()
        stats = self._server.ask(
            "GET", f"/{family.pattern()}/_stats/store,docs", None, {"filter_path": "_all.primaries"}, absent={}
        )
        primaries = stats.get("_all", {}).get("primaries", {})
        return StoreStatus(
            kind="elasticsearch", place=self._server.name, version=self._server.version, is_prepared=True,
            is_current=position.get("shape", shape()) == shape(), applied=int(position.get("applied", 0)),
            conversations=self.count(), documents=primaries.get("docs", {}).get("count", 0),
            bytes=primaries.get("store", {}).get("size_in_bytes", 0), indices=tuple(family.indices()),
            is_backfilling=bool(position.get("is_backfilling", False)),
        )  # fmt: skip

    def drop(self) -> None:
        family = self._family()
        if family:
            self._position(family).read()  # only the archive that it belongs to may remove it
            family.drop()
        self._server.ask("DELETE", f"/_index_template/{self._prefix}-guard", absent=None)

    def close(self) -> None:
        if not self._shares_server:
            self._server.close()


def _has_too_many(error: StoreError) -> bool:
    """Whether the server refuses a query because of the number of words that its prefixes stand for."""
    return "too many clauses" in error.message or "too many terms" in error.message


def _check_shape(position: dict[str, Any]) -> None:
    if position.get("shape", shape()) != shape():
        raise StoreOutdated(
            "the indices in Elasticsearch were built by another version of this program",
            hint="They still answer searches. Build new ones beside them: archiver reindex",
        )


_NOTHING: dict[str, Any] = {"hits": {"hits": [], "total": {"value": 0}}}


def _key(hit: dict[str, Any]) -> Key:
    fields = hit["fields"]
    return Key(fields["conversation_id"][0], fields["id"][0] if "id" in fields else None, int(fields["rank"][0]))


def _facets(aggregation: dict[str, Any]) -> Iterator[Facet]:
    if aggregation.get("doc_count_error_upper_bound"):
        raise StoreError("a facet has too many values to be counted exactly", hint="Narrow the query.")
    for bucket in aggregation.get("buckets", ()):
        yield Facet(bucket["key"], bucket["doc_count"])
