"""The page of one conversation: everything that its template shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any
from urllib.parse import quote

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Record
from archiver.errors import ArchiverError, counted
from archiver.index import Readings
from archiver.model import Transcript
from archiver.query import Expression
from archiver.value import Value
from archiver.web.cards import PART, badges, conversation_href
from archiver.web.entries import Entry, entries, matching
from archiver.web.facets import condition
from archiver.web.facts import facts_page, moment, search_for
from archiver.web.state import SearchState

_NEAR = 5  # parts before and after the one that is shown to which it leads
_OTHERS, _SEARCHED = 5, 20  # conversations of the same customer: shown, looked at
SENDERS = ("customer", "agent", "bot", "system", "notes")


class Asked(Value):
    """What is to be shown of a conversation: the part with message number `at`, or the first one, or with `is_whole`
    all of them; only messages of some sender; with the matches of a query; with times in the archive's zone or in UTC.
    """

    query: str = ""
    at: int | None = None
    only: str = ""
    is_utc: bool = False
    is_whole: bool = False


def transcript_page(archive: Archive, conversation_id: str, asked: Asked = Asked()) -> dict[str, Any]:  # noqa: B008
    """What the page shows. Raises NotFound, IntegrityError, RecordError, QueryError."""
    zone = UTC if asked.is_utc else archive.settings.zone
    record = archive.file.vault.current(conversation_id)
    transcript = archive.transcript(conversation_id)
    archive.audit(Action.VIEW, conversation_id=conversation_id)
    query, only = asked.query, asked.only
    expression = archive.parse(query).expression if query.strip() else None
    numbers = _numbers_of_page(len(transcript.messages), asked)
    shown = list(entries(transcript, numbers, expression, zone))
    return facts_page(transcript, expression, zone) | {
        "transcript": transcript,
        "is_masked": not archive.view.person.sees_personal_data,
        "entries": [entry for entry in shown if _is_wanted(entry, only)],
        "shown_count": sum(1 for entry in shown if entry.number and _is_wanted(entry, only)),
        "hits": [(number, _at(number, numbers, transcript.id, query)) for number in _matching(transcript, expression)],
        "query": query,
        "only": only,
        "senders": [(name, conversation_href(conversation_id, query, only=name)) for name in SENDERS],
        "pages": list(_pages(transcript, numbers, query)),
        "badges": list(badges(transcript)),
        "provenance": _provenance(archive, record, zone),
        **_of_index(archive, transcript, query),
        "zone": str(zone),
        "other_zone": _other_zone(archive, conversation_id, query, is_utc=asked.is_utc),
        "href": conversation_href(conversation_id),
        "back": SearchState(q=query).href(),
        "printed_at": moment(archive.now(), zone),
        "head": archive.file.vault.noted_head(),
        "counted": counted,
    }


def _of_index(archive: Archive, transcript: Transcript, query: str) -> dict[str, Any]:
    """Other conversations, which the index knows. If it does not answer, the text is shown without them."""
    try:
        return {"others": _others(archive, transcript), "beside": list(_beside(archive, transcript, query))}
    except ArchiverError:
        return {"others": None, "beside": []}


def _beside(archive: Archive, transcript: Transcript, query: str) -> Iterator[tuple[str, str]]:
    """The conversations that started after and before this one, of those that the query finds: label, address."""
    found = archive.neighbours(transcript, query)
    for label, id_ in (("Newer", found.newer), ("Older", found.older)):
        if id_:
            yield label, conversation_href(id_, query)


def _other_zone(archive: Archive, conversation_id: str, query: str, *, is_utc: bool) -> tuple[str, str] | None:
    """The zone in which times can be shown instead, with the address; None if there is no other."""
    if str(archive.settings.zone) == str(UTC):
        return None
    if is_utc:
        return str(archive.settings.zone), conversation_href(conversation_id, query)
    return "UTC", conversation_href(conversation_id, query, times="utc")


def unreadable_page(archive: Archive, conversation_id: str) -> dict[str, Any]:
    """What the page shows of a record that can't be read as a conversation. Raises NotFound, IntegrityError."""
    archive.view.check_all()  # nobody can tell whose it is
    archive.audit(Action.VIEW, conversation_id=conversation_id)
    record = archive.file.vault.current(conversation_id)
    return {"conversation_id": conversation_id, "provenance": _provenance(archive, record, archive.settings.zone)}


def _matching(transcript: Transcript, expression: Expression | None) -> list[int]:
    return matching(transcript, expression) if expression is not None else []


def _at(number: int, numbers: range, conversation_id: str, query: str) -> str:
    """The address of a message, which may be in another part of the conversation."""
    return f"#m{number}" if number in numbers else conversation_href(conversation_id, query, number)


def _numbers_of_page(count: int, asked: Asked) -> range:
    """The numbers of the messages that are shown."""
    if asked.is_whole:
        return range(1, count + 1)
    page = (min(max(asked.at or 1, 1), max(count, 1)) - 1) // PART
    return range(page * PART + 1, min((page + 1) * PART, count) + 1)


def _pages(transcript: Transcript, numbers: range, query: str) -> Iterator[tuple[str, str, bool]]:
    """The first and last pages of a long conversation and those near this one: label, address, whether it is this."""
    count = len(transcript.messages)
    starts = range(1, count + 1, PART) if count > PART else range(0)
    for first in starts:
        if first not in (starts[0], starts[-1]) and abs(first - numbers.start) > _NEAR * PART:
            continue
        label = f"{first:,}–{min(first + PART - 1, count):,}"
        yield label, conversation_href(transcript.id, query, first), numbers.start == first and len(numbers) <= PART
    if count > PART:
        yield "All, to print", conversation_href(transcript.id, query, parts="all"), len(numbers) == count


def _is_wanted(entry: Entry, only: str) -> bool:
    if not only or entry.kind == "day":
        return True
    return entry.kind == "note" if only == "notes" else entry.kind == "message" and entry.role == only


def _provenance(archive: Archive, record: Record, zone: tzinfo) -> dict[str, Any]:
    """Where the text comes from: the vault's entry, its hash, and the other versions."""
    history = archive.history(record.conversation_id)
    return {
        "entry": record.seq,
        "fetched_at": moment(datetime.fromisoformat(record.fetched_at), zone),
        "link": archive.file.vault.link_at(record.seq),
        "versions": sum(entry.is_version for entry in history),
        "events": [entry for entry in history if not entry.is_version],
        "history": f"/history/{quote(record.conversation_id, safe='')}",
        "raw": f"/raw/{quote(record.conversation_id, safe='')}",
    }


def _others(archive: Archive, transcript: Transcript) -> dict[str, Any] | None:
    """The newest other conversations of the same customer; None if the customer is unknown. The search behind them is
    for the id's words, which others may have in a name or number: those are not shown. Who sees masked data is told
    whether there are others, by the ids as they are, and gets no link if the id itself is masked.
    """
    readings = Readings(archive.file, archive.recent)
    ids = _consumer_ids(readings.of(transcript.id).reading.transcript)
    term = condition("customer", min(ids)) if ids else None
    if term is None:
        return None
    search = archive.search(term, limit=_SEARCHED)
    others = (hit.transcript for hit in search if hit.transcript.id != transcript.id and not hit.fault)
    same = (item for item in others if ids & _consumer_ids(readings.of(item.id).reading.transcript))
    href = search_for(term) if min(ids) in _consumer_ids(transcript) else None
    return {"shown": list(islice(same, _OTHERS)), "mentions": search.total, "href": href}


def _consumer_ids(transcript: Transcript) -> set[str]:
    return {person.id for person in transcript.metadata.consumers if person.id}
