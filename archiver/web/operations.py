"""The operations of the REST interface: what each takes, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from archiver.access import Action, Right
from archiver.app import Archive
from archiver.index import Sort, countable
from archiver.intervals import Interval
from archiver.jsontext import raw_json
from archiver.outputs import (
    changes_json,
    counts_json,
    coverage_json,
    histogram_json,
    history_json,
    proven_bars,
    search_json,
    status_json,
    steps_of,
)
from archiver.query import Scope
from archiver.transcript import as_json as transcript_json
from archiver.value import Value

Given = Mapping[str, Any]
MOST_HITS, MOST_CHANGES, MOST_AROUND = 1_000, 10_000, 20
_FACET_VALUES = 20


class Parameter(Value):
    """A parameter of the address. `kind` is string or integer; `values` are all that it may be; `is_many`: it may be
    repeated.
    """

    name: str
    says: str
    kind: str = "string"
    usual: Any = None
    values: tuple[str, ...] = ()
    least: int = 0
    most: int = 0
    is_many: bool = False


class Operation(Value):
    """`answer` makes the document of `schema` from an archive, the id in the path and the parameters."""

    name: str
    path: str
    says: str
    schema: str
    answer: Callable[[Archive, str, Given], object]
    parameters: tuple[Parameter, ...] = ()
    right: Right = Right.READ

    @property
    def is_of_conversation(self) -> bool:
        return "{id}" in self.path


def search(archive: Archive, _: str, given: Given) -> object:
    return _found(archive, given, given["scope"], given["limit"], given["sort"], given["after"])


def _messages(archive: Archive, _: str, given: Given) -> object:
    return _found(archive, given, Scope.MESSAGE, given["limit"], given["sort"], given["after"])


def _facets(archive: Archive, _: str, given: Given) -> object:
    return _found(archive, given, given["scope"], 0, Sort.NEWEST, None)


def _found(archive: Archive, given: Given, scope: str, limit: int, sort: str, after: str | None) -> object:
    search = archive.search(given["q"], scope=scope, sort=sort, limit=limit, after=after)
    facets = [(name,) for name in dict.fromkeys(given["facet"])]
    zone = archive.zone
    counts = search.counted(zone, partial(counts_json, facets=facets, limit=_FACET_VALUES)) if facets else {}
    around = given.get("context", 0)
    before, name, hits, after_hits = search_json(search, search.assurance(archive.believed_now()), counts, around)
    listed = list(hits)
    archive.audit_search(search, ids=[hit["conversation_id"] for hit in listed])
    return before | {name: listed} | after_hits()


def _histogram(archive: Archive, _: str, given: Given) -> object:
    search = archive.search(given["q"], scope=given["scope"], limit=0)
    zone, interval = archive.zone, Interval(given["interval"]) if given["interval"] else None
    found = search.counted(zone, lambda counting: counting.histogram(interval))
    archive.audit_search(search)
    worth = search.assurance(archive.believed_now())
    bars = list(proven_bars(found, worth, Scope(given["scope"]), zone))
    return histogram_json(search, found, bars, worth, zone)


def conversation(archive: Archive, id_: str, _: Given) -> object:
    transcript, record = archive.transcript(id_), archive.file.vault.current(id_)
    archive.audit(Action.VIEW, conversation_id=id_)
    return transcript_json(transcript, seq=record.seq, fetched_at=record.fetched_at)


def history(archive: Archive, id_: str, _: Given) -> object:
    entries, versions = archive.history(id_), archive.versions(id_)
    archive.audit(Action.VIEW, conversation_id=id_, what="history")
    return history_json(id_, entries, versions, {version.entry.seq: step for version, step in steps_of(versions)})


def _raw(archive: Archive, id_: str, _: Given) -> object:
    raw = archive.raw(id_)
    archive.audit(Action.VIEW, conversation_id=id_, what="raw")
    return raw_json(raw)


def coverage(archive: Archive, _: str, given: Given) -> object:
    return coverage_json(archive.coverage(given["from"], given["to"]))


def status(archive: Archive, _: str, __: Given) -> object:
    return status_json(archive)


def _changes(archive: Archive, _: str, given: Given) -> object:
    archive.view.check_all()
    archive.audit(Action.EXPORT, what="changes", since=given["since"])
    return changes_json(archive, given["since"], given["limit"])


_QUERY = (
    Parameter("q", "The query; empty for everything: docs/query-language.md.", usual=""),
    Parameter("tz", "The time zone of days and intervals, such as Europe/Berlin; default is the archive's."),
)
_SCOPE = Parameter("scope", "What a result is.", usual="conversation", values=tuple(Scope))
_FACET = Parameter("facet", "Count the results by it.", values=countable(Scope.CONVERSATION), is_many=True)
_PAGE = (
    Parameter("sort", "The order of the hits.", usual="newest", values=tuple(Sort)),
    Parameter("limit", "Hits of this page.", "integer", 20, least=1, most=MOST_HITS),
    Parameter("after", "The `next` of the page before."),
    Parameter("context", "Messages before and after each match.", "integer", 0, most=MOST_AROUND),
)
_DAYS = (
    Parameter("from", "First day, such as 2026-03-31, 2026-03 or 90d; default is all that is kept or was read."),
    Parameter("to", "Last day, inclusive; default is now."),
)
_SINCE = (
    Parameter("since", "A sequence number: the `next` of the answer before.", "integer", 0, most=2**53),
    Parameter("limit", "Entries of this page.", "integer", 1_000, least=1, most=MOST_CHANGES),
)
_TRANSCRIPT, _HITS = "archiver.transcript/1", "archiver.search/2"
OPERATIONS = (
    Operation("search", "/search", "Search conversations.", _HITS, search, (*_QUERY, _SCOPE, _FACET, *_PAGE)),
    Operation("messages", "/messages", "Search messages.", _HITS, _messages, (*_QUERY, _FACET, *_PAGE)),
    Operation("facets", "/facets", "Count results by facets.", _HITS, _facets, (*_QUERY, _SCOPE, _FACET)),
    Operation(
        "histogram", "/histogram", "Count results by intervals.", "archiver.histogram/1", _histogram,
        (*_QUERY, _SCOPE, Parameter("interval", "Default is one that fits.", values=tuple(Interval))),
    ),
    Operation("conversation", "/conversations/{id}", "One conversation.", _TRANSCRIPT, conversation),
    Operation("history", "/conversations/{id}/history", "Its versions.", "archiver.history/1", history),
    Operation("raw", "/conversations/{id}/raw", "The record as LivePerson sent it.", "", _raw),
    Operation("coverage", "/coverage", "What is proven complete.", "archiver.coverage/2", coverage, _DAYS, Right.WATCH),
    Operation("status", "/status", "What the archive holds.", "archiver.status/2", status, (), Right.WATCH),
    Operation(
        "changes", "/changes", "What changed since a sequence number, so that another system can follow.",
        "archiver.changes/1", _changes, _SINCE, Right.EXPORT,
    ),
)  # fmt: skip
