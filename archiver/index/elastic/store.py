"""The store in Elasticsearch: position, queries, rebuilds. Texts always come from the vault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from archiver.config import StoreAddress
from archiver.errors import StoreError
from archiver.index.elastic.bulk import Limits
from archiver.index.elastic.family import Family, serving, shape
from archiver.index.elastic.position import Position
from archiver.index.elastic.queries import VISIBLE, Dsl, conversation_query, message_query
from archiver.index.elastic.server import Server, connect
from archiver.index.elastic.writer import ElasticWriter
from archiver.index.results import Facet, Found, Key, Refusal, Sort
from archiver.query import Expression, Scope

_MOST_AT_ONCE = 10_000  # Elasticsearch's own limit of one page
_MOST_VALUES = 60_000
_ORDERS = {
    Sort.NEWEST: [{"rank": "desc"}],
    Sort.OLDEST: [{"rank": "asc"}],
    Sort.RELEVANCE: [{"_score": "desc"}, {"rank": "desc"}],
}


def open_elastic_store(address: StoreAddress, archive_id: str, notify: Callable[[str], None]) -> ElasticStore:
    """Asks the server nothing yet. Raises ConfigError for an address that cannot be."""
    return ElasticStore(connect(address), address.prefix, archive_id, notify=notify)


class ElasticStore:
    """The family behind the prefix's aliases; with `building`, one that is not yet behind them."""

    def __init__(
        self, server: Server, prefix: str, archive_id: str, *, notify: Callable[[str], None] = lambda _: None,
        limits: Limits | None = None, building: int | None = None,
    ) -> None:  # fmt: skip
        self._server = server
        self._prefix = prefix
        self._archive_id = archive_id
        self._notify = notify
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

    @contextmanager
    def writing(self, *, expected: int) -> Iterator[ElasticWriter]:
        family = self._family()
        if family is None:
            self.prepare()
            family = self._family()
            assert family is not None
        position = self._position(family)
        if position.read().get("shape", shape()) != shape():
            raise StoreError(
                "these indices were made for another version of the documents",
                hint="They still answer. Build the new ones beside them: archiver reindex",
            )
        writer = ElasticWriter(self._server, family, position, self._limits, self._notify, expected)
        with self._server.patient(self._limits.patience_s), writer.running():
            yield writer

    def refused(self) -> tuple[Refusal, ...]:
        family = self._family()
        return tuple(self._position(family).refused()) if family else ()

    def search(
        self, expression: Expression, *, scope: Scope, sort: Sort, limit: int, after: int | None = None
    ) -> Found:
        query = self._query(expression, scope)
        hits, total = self._hits(scope, query, sort, limit + 1, None if after is None else [after])
        keys = tuple(_key(hit) for hit in hits[:limit])
        has_more = len(hits) > limit and sort is not Sort.RELEVANCE
        return Found(keys, total, keys[-1].cursor if has_more else None)

    def _query(self, expression: Expression, scope: Scope) -> Dsl:
        if scope is Scope.CONVERSATION:
            return conversation_query(expression)
        return message_query(expression, self._conversations)

    def _conversations(self, query: Dsl) -> Iterator[str]:
        """The ids of all conversations that a query finds, whatever their number."""
        after: list[Any] | None = None
        while True:
            hits, _ = self._page(Scope.CONVERSATION, query, Sort.OLDEST, _MOST_AT_ONCE, after)
            yield from (hit["fields"]["conversation_id"][0] for hit in hits)
            if len(hits) < _MOST_AT_ONCE:
                return
            after = hits[-1]["sort"]

    def _hits(
        self, scope: Scope, query: Dsl, sort: Sort, limit: int, after: list[Any] | None
    ) -> tuple[list[dict[str, Any]], int]:
        hits, total = self._page(scope, query, sort, min(limit, _MOST_AT_ONCE), after, is_counted=True)
        while hits and len(hits) < min(limit, total):
            more, _ = self._page(scope, query, sort, min(limit - len(hits), _MOST_AT_ONCE), hits[-1]["sort"])
            if not more:
                break
            hits += more
        return hits, total

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
        found = self._search(kind, body, {"search_type": "dfs_query_then_fetch"} if sort is Sort.RELEVANCE else {})
        hits: list[dict[str, Any]] = found["hits"]["hits"]
        return hits, int(found["hits"].get("total", {}).get("value", 0))

    def _search(self, kind: str, body: dict[str, Any], params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One search over all shards. An answer of some of them only is no answer."""
        family = self._family() if self._building else None
        target = f"{family.names.of_family(kind)}-*" if family else f"{self._prefix}-{kind}"
        params = {**(params or {}), "allow_partial_search_results": "false"}
        found: dict[str, Any] = self._server.ask("POST", f"/{target}/_search", body, params, absent=_NOTHING)
        if found.get("timed_out") or found.get("_shards", {}).get("failed"):
            raise StoreError("Elasticsearch answered for a part of its shards only", hint="See its log, and try again.")
        return found

    def facets(self, expression: Expression, names: Sequence[str], *, limit: int) -> Mapping[str, tuple[Facet, ...]]:
        order = [{"_count": "desc"}, {"_key": "asc"}]
        body = {
            "query": conversation_query(expression), "size": 0,
            "aggs": {
                name: {
                    "terms": {"field": f"facets.{name}", "size": limit, "shard_size": _MOST_VALUES, "order": order}
                }
                for name in names
            },
        }  # fmt: skip
        found = self._search("metadata", body).get("aggregations", {})
        return {name: tuple(_facets(found.get(name, {}))) for name in names}

    def count(self) -> int:
        found = self._search("metadata", {"size": 0, "track_total_hits": True, "query": VISIBLE})
        return int(found["hits"]["total"]["value"])

    def begin_rebuild(self) -> ElasticStore:
        current = serving(self._server, self._prefix) or 0
        fresh = Family(self._server, self._prefix, current + 1)
        fresh.drop()
        fresh.prepare(is_serving=False)
        return ElasticStore(
            self._server, self._prefix, self._archive_id, notify=self._notify, limits=self._limits, building=current + 1
        )

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
        found = position.read()
        if found.get("shape", shape()) != shape():
            raise StoreError(
                "these indices were made for another version of the documents",
                hint="Build the new ones beside them: archiver reindex",
            )
        family.prepare(is_serving=True)
        if found.get("is_backfilling"):
            ElasticWriter(self._server, family, position, self._limits, self._notify, 0).end_backfill()
        elif not found:
            position.write(applied=0, shape=shape(), is_backfilling=False)

    def describe(self) -> dict[str, Any]:
        family = self._family()
        if family is None:
            return {"kind": "elasticsearch", "version": self._server.version, "prepared": False}
        found = self._position(family).read()
        stats = self._server.ask(
            "GET", f"/{family.pattern()}/_stats/store,docs", None, {"filter_path": "_all.primaries"}, absent={}
        )
        primaries = stats.get("_all", {}).get("primaries", {})
        return {
            "kind": "elasticsearch", "version": self._server.version, "prepared": True, "family": family.names.family,
            "applied": found.get("applied", 0), "is_current": found.get("shape", shape()) == shape(),
            "is_backfilling": found.get("is_backfilling", False), "indices": list(family.indices()),
            "conversations": self.count(), "documents": primaries.get("docs", {}).get("count", 0),
            "bytes": primaries.get("store", {}).get("size_in_bytes", 0), "refused": len(self.refused()),
        }  # fmt: skip

    def drop(self) -> None:
        family = self._family()
        if family:
            self._position(family).read()  # only its own archive may remove it
            family.drop()
        self._server.ask("DELETE", f"/_index_template/{self._prefix}-guard", absent=None)

    def close(self) -> None:
        if not self._shares_server:
            self._server.close()


_NOTHING: dict[str, Any] = {"hits": {"hits": [], "total": {"value": 0}}}


def _key(hit: dict[str, Any]) -> Key:
    fields = hit["fields"]
    return Key(fields["conversation_id"][0], fields["id"][0] if "id" in fields else None, int(fields["rank"][0]))


def _facets(found: dict[str, Any]) -> Iterator[Facet]:
    if found.get("doc_count_error_upper_bound"):
        raise StoreError("a facet has too many values to be counted exactly", hint="Narrow the query.")
    for bucket in found.get("buckets", ()):
        yield Facet(bucket["key"], bucket["doc_count"])
