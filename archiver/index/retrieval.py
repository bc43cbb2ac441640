"""Answers a query: the store finds ids, the archive provides the texts, the matcher marks the matches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archiver.archive import ArchiveFile
from archiver.errors import ConfigError
from archiver.index.paging import every_item
from archiver.index.results import Facet, Hit, Key, KeyPage, Results, Sort
from archiver.index.store import Store
from archiver.query import Expression, Query, Reading, Scope
from archiver.transcript import project

_KEYS_PER_PAGE = 1_000
_HITS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Request:
    """What to search for. `limit` bounds the hits (None: all of them); `after` is the cursor of an earlier page.

    Most relevant first is one page: it needs a limit and has no cursor. Raises ConfigError for anything else, and for a
    limit below 1.
    """

    query: Query
    scope: Scope = Scope.CONVERSATION
    sort: Sort = Sort.NEWEST
    limit: int | None = 20
    after: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit is {self.limit}", hint="Set at least 1, or None for all hits.")
        if self.sort is Sort.RELEVANCE and (self.limit is None or self.after is not None):
            raise ConfigError(
                "the most relevant hits come as one page, with a limit and without a cursor",
                hint="Set a limit (at most 10,000), or sort by newest or oldest.",
            )


class Search:
    """The hits of a request, in its order, fetched page by page while they are iterated.

    Iterating yields each hit once; iterating again searches again. Raises StoreError, IntegrityError when used.
    """

    def __init__(self, archive: ArchiveFile, store: Store, request: Request, notices: Sequence[str] = ()) -> None:
        self._archive, self._store = archive, store
        self.request = request
        self.notices = (*notices, *request.query.notices)
        self._first: KeyPage | None = None

    @property
    def total(self) -> int:
        """How many results there are in all: exact, whatever the limit."""
        if self._first is None:
            self._first = self._ask(self.request.after, self._page_size(self.request.limit))
        return self._first.total

    def __iter__(self) -> Iterator[Hit]:
        for page in self._pages():
            yield from page.hits

    def results(self) -> Results:
        """All hits within the limit at once, with the total and the cursor after them."""
        pages = list(self._pages())
        hits = tuple(hit for page in pages for hit in page.hits)
        return Results(hits, pages[0].total, pages[-1].next, self.notices)

    def _pages(self) -> Iterator[Results]:
        """Pages of hits; at least one, which may be empty."""
        page, self._first = self._first or self._ask(self.request.after, self._page_size(self.request.limit)), None
        left = self.request.limit
        while True:
            yield Results(tuple(hydrate(self._archive, self.request.query, page.keys)), page.total, page.next)
            left = None if left is None else left - len(page.keys)
            if page.next is None or left == 0:
                return
            page = self._ask(page.next, self._page_size(left))

    def _page_size(self, left: int | None) -> int:
        if self.request.sort is Sort.RELEVANCE and left is not None:
            return left  # most relevant first has no cursor: it is one page
        return _HITS_PER_PAGE if left is None else min(left, _HITS_PER_PAGE)

    def _ask(self, after: int | None, limit: int) -> KeyPage:
        request = self.request
        return self._store.search(
            request.query.expression, scope=request.scope, sort=request.sort, limit=limit, after=after
        )


def hydrate(archive: ArchiveFile, query: Query, keys: Sequence[Key]) -> list[Hit]:
    """The hits of a page in its order. Each conversation is read once, however many of its messages are hits."""
    wanted: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        wanted.setdefault(key.conversation_id, []).append(at)
    hits: dict[int, Hit] = {}
    for conversation_id, places in wanted.items():
        transcript = project(archive.vault.current(conversation_id).raw)
        reading, by_id = Reading(transcript), {message.id: message for message in transcript.messages}
        for at in places:
            message = by_id.get(keys[at].message_id or "")
            matches = tuple(reading.matches(query.expression, message))
            hits[at] = Hit(transcript, matches, keys[at].message_id)
    return [hits[at] for at in range(len(keys))]


def search(archive: ArchiveFile, store: Store, request: Request) -> Results:
    """One result with all hits within the limit. Raises StoreError, IntegrityError."""
    return Search(archive, store, request).results()


def count_by(store: Store, query: Query, names: Sequence[str], limit: int) -> Mapping[str, tuple[Facet, ...]]:
    """How many of the conversations that a query finds have each value of some facets. Raises StoreError."""
    return store.facets(query.expression, names, limit=limit) if names else {}


def found_ids(store: Store, query: Query) -> Iterator[str]:
    """The ids of every conversation that a query finds, oldest first, a page at a time."""
    return (key.conversation_id for key in every_key(store, query.expression, Scope.CONVERSATION))


def every_key(store: Store, expression: Expression, scope: Scope) -> Iterator[Key]:
    """Everything that an expression finds, oldest first, a page at a time."""

    def page(after: int | None) -> tuple[tuple[Key, ...], int | None]:
        page = store.search(expression, scope=scope, sort=Sort.OLDEST, limit=_KEYS_PER_PAGE, after=after)
        return page.keys, page.next

    return every_item(page)
