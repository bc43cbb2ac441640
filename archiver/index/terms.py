"""Counts what each query of a list finds, as lawyers ask for with a list of terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from archiver.errors import QueryError
from archiver.index.advice import advice_on
from archiver.index.results import Sort
from archiver.index.retrieval import found_ids
from archiver.index.store import Store
from archiver.query import Query, Scope
from archiver.value import Value

Parse = Callable[[str], Query]


class TermCount(Value, kw_only=True):
    """What a query finds: messages and conversations; `unique` conversations that no other query of the list finds;
    messages by who wrote them, and private notes. With an `error` all counts are None; one that a query can't be
    narrowed to is None, too. `notices`: what a reader of the counts has to know.
    """

    query: str
    messages: int | None = None
    conversations: int | None = None
    unique: int | None = None
    by_customer: int | None = None
    by_agent: int | None = None
    by_bot: int | None = None
    notes: int | None = None
    notices: tuple[str, ...] = ()
    error: str | None = None


def count_terms(store: Store, queries: Sequence[str], parse: Parse) -> Iterator[TermCount]:
    """The counts of each query, in order, after all were searched once. Raises StoreError."""
    parsed = {text: _parsed(text, parse) for text in queries}
    finders: dict[str, str | None] = {}  # by conversation: the one query that finds it; None for several
    found = dict.fromkeys(queries, 0)
    for text, query in parsed.items():
        if isinstance(query, Query):
            for id_ in found_ids(store, query):
                found[text] += 1
                finders[id_] = text if id_ not in finders else None
    unique = dict.fromkeys(queries, 0)
    for finder in finders.values():
        if finder is not None:
            unique[finder] += 1
    for text in queries:
        query = parsed[text]
        if not isinstance(query, Query):
            yield TermCount(query=text, error=query)
            continue
        yield TermCount(
            query=text,
            messages=_total(store, query),
            conversations=found[text],
            unique=unique[text],
            by_customer=_narrowed(store, f"from:customer ({text})", parse),
            by_agent=_narrowed(store, f"from:agent ({text})", parse),
            by_bot=_narrowed(store, f"from:bot ({text})", parse),
            notes=_narrowed(store, f"in:note ({text})", parse),
            notices=(*query.notices, *advice_on(store, query, Scope.MESSAGE)),
        )


def _parsed(text: str, parse: Parse) -> Query | str:
    """The query, or why it is none."""
    try:
        return parse(text)
    except QueryError as error:
        return f"{error.message} (at character {error.position + 1})"


def _total(store: Store, query: Query) -> int:
    return store.search(query.expression, scope=Scope.MESSAGE, sort=Sort.NEWEST, limit=1).total


def _narrowed(store: Store, text: str, parse: Parse) -> int | None:
    query = _parsed(text, parse)
    return _total(store, query) if isinstance(query, Query) else None
