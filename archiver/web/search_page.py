"""The search page: everything that its template shows."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from functools import partial
from time import perf_counter
from typing import Any

from archiver.app import Archive
from archiver.errors import ArchiverError, ConfigError, QueryError, counted
from archiver.index import Counting, Histogram, Results, Search, Sort
from archiver.outputs import proven_bars
from archiver.query import Scope, parse, understood
from archiver.value import replace
from archiver.web.cards import card
from archiver.web.drawing import HEIGHT, WIDTH, drawing
from archiver.web.facets import FacetList, facet_lists, facets_of
from archiver.web.lens import Lens
from archiver.web.state import COLUMNS, MOST_FILTERS, SearchState, hidden_fields
from archiver.web.times import in_zone

PAGE = 20
_MOST_DIGITS = 9
_SORTS = {
    "newest": "Newest", "oldest": "Oldest", "relevance": "Most relevant", "matches": "Most matches",
    "duration": "Longest", "messages": "Most messages", "lowest-mcs": "Lowest MCS", "lowest-csat": "Lowest CSAT",
    "mcs": "Highest MCS", "csat": "Highest CSAT",
}  # fmt: skip
_PRESETS = (("Today", 1), ("7 days", 7), ("30 days", 30), ("90 days", 90), ("13 months", 397))  # with today
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_REPAIR = re.compile(r"Did you mean (\S+?)\?")
_WORD = re.compile(r"[\w.]+:?")


def search_page(archive: Archive, state: SearchState) -> dict[str, Any]:
    """What the page of a state shows. Raises ArchiverError, also QueryError with a place in the whole query."""
    started = perf_counter()
    zone, lens = archive.zone, Lens(state.query, state.tz, state.scope if state.scope == Scope.MESSAGE else "")
    search = search_of(archive, state, PAGE)
    now = archive.believed_now()
    found, facets = search.counted(zone, partial(_counts, state=state, now=now))
    results = search.results()
    archive.audit_search(search, ids=[hit.transcript.id for hit in results.hits])
    worth = search.assurance(now)
    bars = list(proven_bars(found, worth, Scope(state.scope), zone))
    return _surroundings(archive, state) | {
        "results": results,
        "cards": [card(hit, lens, zone) for hit in results.hits],
        "total": results.total,
        "worth": worth,
        "kept": kept_query(archive, state.query),
        "sentences": worth.sentences(results.total, zone),
        "histogram": drawing(found.interval, bars, state, zone),
        "size": (WIDTH, HEIGHT),
        "size_of_page": PAGE,
        "facets": facets,
        "place": _place(state, len(results.hits), results.total),
        "next": _next(state, results),
        "milliseconds": round(1000 * (perf_counter() - started)),
        "is_first_run": archive.file.vault.head() == 0,
        "counted": counted,
    }


def kept_query(archive: Archive, query: str) -> str:
    """A query for cases and saved searches, which read days in the archive's own zone: as it was typed if it means the
    same there, or else with its moments in UTC.
    """
    now = archive.now()
    read, kept = (parse(query, now=now, zone=zone).expression for zone in (archive.zone, archive.settings.zone))
    return query if read == kept else understood(read)


def _counts(counting: Counting, state: SearchState, now: datetime) -> tuple[Histogram, list[FacetList]]:
    counting.count_ahead(facets_of(state.scope))
    return counting.histogram(until=now), list(facet_lists(counting, state))


def _skipped(state: SearchState) -> int:
    """How many results were shown on the pages before."""
    is_number = state.skipped.isascii() and state.skipped.isdecimal() and len(state.skipped) <= _MOST_DIGITS
    return int(state.skipped) if state.after and is_number else 0


def _next(state: SearchState, results: Results) -> str | None:
    """The address of the page after this one; None if there is none."""
    skipped = str(_skipped(state) + len(results.hits))
    return state.href(after=results.next, skipped=skipped) if results.next else None


def _place(state: SearchState, shown: int, total: int) -> str | None:
    """Which results these are, if there are others."""
    first = _skipped(state) + 1
    is_known = first > 1 or not state.after
    return f"{first:,}–{first + shown - 1:,} of {total:,}" if shown and shown < total and is_known else None


def search_of(archive: Archive, state: SearchState, limit: int) -> Search:
    """The search that a state asks for."""
    check(archive, state)
    return archive.search(state.query, scope=state.scope, sort=state.sort, limit=limit, after=state.after or None)


def check(archive: Archive, state: SearchState) -> None:
    """Raises QueryError unless each part is a query by itself: else one could change what another one means."""
    if len(state.filters) > MOST_FILTERS:
        raise ConfigError(f"there are more than {MOST_FILTERS} filters", hint="Remove some of them.")
    for day in (state.from_day, state.to_day):
        if day and not _DAY.fullmatch(day):
            raise ConfigError(f"{day[:40]!r} is no day", hint="Write it as 2026-03-31.")
    for number, part in enumerate(state.conditions):
        try:
            archive.parse(part)
        except QueryError as error:
            if number or part != state.q:
                message = f"the condition {part[:80]!r} can't be read: {error.message}"
                raise ConfigError(message, hint=error.hint or "Remove it.") from error
            raise


def faulty_page(archive: Archive, state: SearchState, error: ArchiverError) -> dict[str, Any]:
    """What the page shows if the question can't be answered: where the fault is, and a proposal that can be."""
    at = min(error.position, len(state.q)) if isinstance(error, QueryError) else None
    proposed = _repaired(archive, state, error, at)
    return _surroundings(archive, state) | {
        "error": error,
        "at": at,
        "proposal": proposed,
        "proposal_href": state.href(q=proposed) if proposed else None,
    }


def _repaired(archive: Archive, state: SearchState, error: ArchiverError, at: int | None) -> str | None:
    """The text of the box as the error's hint proposes it, if that is a query."""
    named = _REPAIR.search(error.hint or "")
    word = _WORD.match(state.q, at) if at is not None else None
    if not named or not word:
        return None
    proposed = state.q[: word.start()] + named[1] + state.q[word.end() :]
    try:
        archive.parse(proposed)
    except ArchiverError:
        return None
    return proposed


def _surroundings(archive: Archive, state: SearchState) -> dict[str, Any]:
    """What the page shows around the results, whatever they are."""
    return {
        "state": state,
        "chips": [(text, state.without_filter(text)) for text in state.filters],
        "hidden": hidden_fields(state, ("q", "from", "to", "tz", "sort", "scope")),
        "beside_columns": hidden_fields(state, ("col",)),
        "sorts": [(value, label) for value, label in _SORTS.items() if _may_sort(value, state)],
        "presets": list(_presets(state, archive.believed_now(), archive.zone)),
        "columns": [(name, name in state.columns) for name in COLUMNS],
        "command": _command(state, archive.zone, str(archive.settings.zone)),
        "zone": str(archive.zone),
        "own_zone": str(archive.settings.zone),
        "zones": list(dict.fromkeys((str(archive.settings.zone), "UTC"))),
    }


def _may_sort(value: str, state: SearchState) -> bool:
    return state.scope != Scope.MESSAGE or value in (Sort.NEWEST, Sort.OLDEST, Sort.RELEVANCE)


def sortable(state: SearchState) -> SearchState:
    """The state in another order, if its own is one of conversations only, and messages are looked for."""
    is_of_conversations = state.sort in _SORTS and not _may_sort(state.sort, state)
    return replace(state, sort=Sort.NEWEST.value) if is_of_conversations else state


def _presets(state: SearchState, now: datetime, zone: tzinfo) -> Iterator[tuple[str, str, bool]]:
    """Spans that people ask for often: label, address, and whether it is the present one."""
    for label, days in _PRESETS:
        first = f"{in_zone(now, zone) - timedelta(days=days - 1):%Y-%m-%d}"
        yield label, state.between(first, ""), (state.from_day, state.to_day) == (first, "")
    yield "All", state.between("", ""), not state.from_day and not state.to_day


def _command(state: SearchState, zone: tzinfo, own_zone: str) -> str:
    """The same search on the command line, whose days are those of the archive's zone unless another is given."""
    days_of = ["--tz", str(zone)] if {str(zone), own_zone} != {"UTC"} else []
    options = {"--scope": (state.scope, "conversation"), "--sort": (state.sort, "newest")}
    given = [word for name, (value, usual) in options.items() if value != usual for word in (name, value)]
    return shlex.join(["archiver", *days_of, "search", state.query or "*", *given])
