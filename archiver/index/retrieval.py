"""Answers a query: the store finds ids, the archive provides the texts, the matcher marks the matches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from datetime import datetime, tzinfo
from functools import cached_property
from typing import TypeVar

from archiver.archive import ArchiveFile, Record
from archiver.errors import ArchiverError, ConfigError, RecordError
from archiver.index.advice import advice_on
from archiver.index.assurance import Assurance, assurance
from archiver.index.axes import MOST_VALUES
from archiver.index.counting import TRIES, Counting, too_fast
from archiver.index.paging import every_item
from archiver.index.readiness import Readiness
from archiver.index.recent import Read, RecentReadings
from archiver.index.refusals import reason_of
from archiver.index.results import OF_MESSAGES, Hit, Key, KeyPage, Results, Sort, as_cursor
from archiver.index.store import Store
from archiver.index.versions import read_version
from archiver.model import Metadata, Transcript
from archiver.query import Everything, Expression, Query, Reading, Scope
from archiver.value import Value

# An index looks at all results for each page, so that few are wanted. Elasticsearch gives 10,000 at once: one more.
_KEYS_PER_PAGE = 9_999
_HITS_AT_ONCE = 100  # messages
T = TypeVar("T")
_GONE = "the message is not there any more"  # the vault changed since the index was asked


class Request(Value):
    """What to search for. `limit` bounds the hits (None: all of them; 0: none, only the total); `after` is the cursor
    of an earlier page.

    Most relevant first is one page: it needs a limit and has no cursor. Messages are sorted by time or relevance.
    Raises ConfigError for anything else, and for a limit below 0.
    """

    query: Query
    scope: Scope = Scope.CONVERSATION
    sort: Sort = Sort.NEWEST
    limit: int | None = 20
    after: Key | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 0:
            raise ConfigError(f"limit is {self.limit}", hint="Set at least 0, or None for all hits.")
        if self.scope is Scope.MESSAGE and self.sort not in OF_MESSAGES:
            raise ConfigError(
                f"messages can't be sorted by {self.sort}, which is a fact about conversations",
                hint=f"Sort them by {', '.join(OF_MESSAGES)}; or search conversations.",
            )
        if self.sort is Sort.RELEVANCE and (self.limit is None or self.after is not None):
            raise ConfigError(
                "the most relevant hits come as one page, with a limit and without a cursor",
                hint="Set a limit (at most 10,000), or sort by newest or oldest.",
            )


class Seen(Value):
    """What of the answers whoever asks may see. `hit` makes of a hit what is shown of it; by `hidden_facets` nothing is
    counted; `rule` is true of all conversations that they see; `advises`: they may be told which values there are.
    """

    hit: Callable[[Hit], Hit] | None = None
    hidden_facets: Set[str] = frozenset()
    rule: Expression = Everything()
    advises: bool = True


class Search:
    """The hits of a request, in its order, fetched page by page while they are iterated.

    Iterating yields each hit once; iterating again searches again. `faults`, `next` and `is_complete` are about the
    hits that were iterated: how many could not be read, the cursor after them (None if there are no more), and whether
    all were searched and could be read. `doubts` tells why some may be missing. `seen` says what is shown of the
    hits, `recent` holds conversations that were read lately. Raises StoreError, IntegrityError when used.
    """

    def __init__(
        self, archive: ArchiveFile, store: Store, request: Request, ready: Readiness = Readiness(), *,  # noqa: B008
        seen: Seen | None = None, recent: RecentReadings | None = None,
    ) -> None:  # fmt: skip
        self._archive, self._store = archive, store
        self.request = request
        self._ready, self._seen = ready, seen or Seen()
        self.faults = 0
        self._total: int | None = None
        self._first: KeyPage | None = None
        self._next: Key | None = None
        self._readings = Readings(archive, recent)

    @cached_property
    def notices(self) -> tuple[str, ...]:
        """What a reader has to know about the index and the query."""
        told = advice_on(self._store, self.request.query, self.request.scope, names_values=self._seen.advises)
        return (*self._ready.notices, *self.request.query.notices, *told)

    @property
    def total(self) -> int:
        """How many results there are in all: exact, whatever the limit."""
        if self._total is None:
            self._first = self._ask(self.request.after, self._page_size(self.request.limit))
        return self._total or 0

    def counted(self, zone: tzinfo, count: Callable[[Counting], T]) -> T:
        """What a function counts of the same results, in intervals of a time zone. It is called again, and the total
        counted again, if the index holds other results by then, so that all of it adds up: call this before the hits
        are taken. Raises StoreBusy if the index never stands still.
        """
        request = self.request
        for _ in range(TRIES):
            counting = Counting(self._store, request.query, request.scope, zone, hidden=self._seen.hidden_facets)
            found = count(counting)
            if counting.total == self.total and not counting.changes:
                return found
            self._total = None
        raise too_fast()

    def assurance(self, now: datetime) -> Assurance:
        """What the answer is worth at `now`, which is LivePerson's time."""
        return assurance(self._archive, self._store, self.request.query, now, self._seen.rule)

    def __iter__(self) -> Iterator[Hit]:
        self.faults, self._next = 0, None
        for hit, after in self._found():
            self._next = after
            self.faults += hit.fault is not None
            yield self._seen.hit(hit) if self._seen.hit else hit

    @property
    def doubts(self) -> tuple[str, ...]:
        return self._ready.doubts

    @property
    def next(self) -> str | None:
        if self._next is None or self.request.sort is Sort.RELEVANCE:
            return None
        return as_cursor(self._next, self.request.sort)

    @property
    def is_complete(self) -> bool:
        return not self._ready.notices and not self.faults

    def results(self) -> Results:
        """All hits within the limit at once, with the total and the cursor after them."""
        hits = tuple(self)
        return Results(hits, self.total, self.next, self.notices, self.doubts, self.is_complete)

    def _found(self) -> Iterator[tuple[Hit, Key | None]]:
        """Each hit with the key after which the next one comes; None if there is no other."""
        page, self._first = self._first or self._ask(self.request.after, self._page_size(self.request.limit)), None
        left = self.request.limit
        while True:
            yield from self._hydrated(page)
            left = None if left is None else left - len(page.keys)
            if page.next is None or left == 0:
                return
            page = self._ask(page.next, self._page_size(left))

    def _hydrated(self, page: KeyPage) -> Iterator[tuple[Hit, Key | None]]:
        """The hits of a page of keys, read a few at a time, so that never many texts are in memory, and none that
        nobody takes: messages of one conversation together.
        """
        followed_by = (*page.keys[:-1], page.next)
        at_once = _HITS_AT_ONCE if self.request.scope is Scope.MESSAGE else 1
        for start in range(0, len(page.keys), at_once):
            end = start + at_once
            hits = hydrate(self._readings, self.request.query, page.keys[start:end])
            yield from zip(hits, followed_by[start:end], strict=True)

    def _page_size(self, left: int | None) -> int:
        if self.request.sort is Sort.RELEVANCE and left is not None:
            return left  # most relevant first has no cursor: it is one page
        if self.request.sort is Sort.MATCHES:
            return MOST_VALUES if left is None else left  # each page counts the matches of all results
        return _KEYS_PER_PAGE if left is None else min(left, _KEYS_PER_PAGE)

    def _ask(self, after: Key | None, limit: int) -> KeyPage:
        request = self.request
        page = self._store.search(
            request.query.expression, scope=request.scope, sort=request.sort, limit=max(limit, 1), after=after
        )
        if after == request.after:  # the first page of an iteration
            self._total = page.total
        return page if limit else KeyPage(total=page.total)


class Readings:
    """Conversations of an archive, read for marking. `recent` are those that were read lately, here or elsewhere."""

    def __init__(self, archive: ArchiveFile, recent: RecentReadings | None = None) -> None:
        self._archive = archive
        self._recent = recent or RecentReadings()

    def of(self, conversation_id: str) -> Read:
        """A conversation with its messages by id. Raises IntegrityError, and RecordError whatever is wrong with it."""
        vault, place = self._archive.vault, (self._archive.id, conversation_id)
        newest = vault.newest_link(conversation_id)
        found = self._recent.get(place, newest) if newest else None
        return found or self._read(vault.current(conversation_id))

    def _read(self, record: Record) -> Read:
        """A conversation as its record is now, which may have changed since it was looked for."""
        vault, place = self._archive.vault, (self._archive.id, record.conversation_id)
        transcript = read_version(vault, record, with_events=False, with_facts=False).transcript
        return self._recent.put(place, vault.link_at(record.touched) or "", Reading(transcript))


def hydrate(readings: Readings, query: Query, keys: Sequence[Key]) -> list[Hit]:
    """The hits of a page in its order. Each conversation is read once, however many of its messages are hits."""
    wanted: dict[str, list[int]] = {}
    for at, key in enumerate(keys):
        wanted.setdefault(key.conversation_id, []).append(at)
    hits: dict[int, Hit] = {}
    for conversation_id, places in wanted.items():
        found = _hits(readings, query, conversation_id, [keys[at].message_id for at in places])
        hits.update(zip(places, found, strict=True))
    return [hits[at] for at in range(len(keys))]


def _hits(readings: Readings, query: Query, conversation_id: str, message_ids: Sequence[str | None]) -> list[Hit]:
    """The hits within one conversation; if it can't be read or marked, with the reason instead of its content."""
    nothing = Transcript(Metadata(conversation_id, ""))
    try:
        read = readings.of(conversation_id)
        marked = [tuple(read.reading.matches(query.expression, read.by_id.get(id_ or ""))) for id_ in message_ids]
    except Exception as error:  # a fault at one conversation must not cost the other hits
        if isinstance(error, ArchiverError) and not isinstance(error, RecordError):
            raise  # it is about the archive's file
        return [Hit(nothing, (), id_, fault=reason_of(error)) for id_ in message_ids]
    return [
        Hit(read.reading.transcript, matches, id_)
        if id_ is None or id_ in read.by_id
        else Hit(nothing, (), id_, fault=_GONE)
        for matches, id_ in zip(marked, message_ids, strict=True)
    ]


def search(archive: ArchiveFile, store: Store, request: Request) -> Results:
    """One result with all hits within the limit. Raises StoreError, IntegrityError."""
    return Search(archive, store, request).results()


def found_ids(store: Store, query: Query) -> Iterator[str]:
    """The ids of every conversation that a query finds, oldest first, a page at a time."""
    return (key.conversation_id for key in every_key(store, query.expression, Scope.CONVERSATION))


def every_key(store: Store, expression: Expression, scope: Scope) -> Iterator[Key]:
    """Everything that an expression finds, oldest first, a page at a time."""

    def page(after: Key | None) -> tuple[tuple[Key, ...], Key | None]:
        page = store.search(expression, scope=scope, sort=Sort.OLDEST, limit=_KEYS_PER_PAGE, after=after)
        return page.keys, page.next

    return every_item(page)
