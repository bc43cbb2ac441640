"""The page of one conversation: everything that its template shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import quote, urlencode

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Record
from archiver.errors import ArchiverError, counted
from archiver.model import Metadata, Role, Sde, Transcript
from archiver.outputs import sde_rows
from archiver.query import Expression, facet_values
from archiver.value import Value
from archiver.web.cards import badges, conversation_href
from archiver.web.entries import Entry, entries, matching
from archiver.web.facets import condition
from archiver.web.state import SearchState
from archiver.web.times import duration, in_zone

_PAGE = 500  # messages
_OTHERS, _SEARCHED = 5, 20  # conversations of the same customer: shown, looked at
SENDERS = ("customer", "agent", "bot", "system", "notes")


class Fact(Value):
    """A fact at the side of a transcript; `href` searches for others with the same."""

    label: str
    value: str
    href: str | None = None


def transcript_page(
    archive: Archive, conversation_id: str, *, query: str = "", at: int | None = None, only: str = "",
    is_utc: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What the page shows: the messages around number `at`, or the first ones, with times in the archive's zone or in
    UTC. Raises NotFound, IntegrityError, RecordError, QueryError.
    """
    zone = UTC if is_utc else archive.settings.zone
    record = archive.file.vault.current(conversation_id)
    transcript = archive.transcript(conversation_id)
    archive.audit(Action.VIEW, conversation_id=conversation_id)
    asked = archive.parse(query) if query.strip() else None
    numbers = _numbers_of_page(len(transcript.messages), at)
    expression = asked.expression if asked else None
    shown = list(entries(transcript, numbers, expression, zone))
    return {
        "transcript": transcript,
        "is_masked": not archive.view.person.sees_personal_data,
        "entries": [entry for entry in shown if _is_wanted(entry, only)],
        "shown_count": sum(1 for entry in shown if entry.number and _is_wanted(entry, only)),
        "hits": [(number, _at(number, numbers, transcript.id, query)) for number in _matching(transcript, expression)],
        "query": query,
        "only": only,
        "senders": [(name, conversation_href(conversation_id, query) + _only(name, query)) for name in SENDERS],
        "numbers": numbers,
        "pages": list(_pages(transcript, numbers, query)),
        "badges": list(badges(transcript)),
        "facts": list(_facts(transcript, zone)),
        "people": list(_people(transcript.metadata)),
        "sdes": [(sde.type, sde.is_authenticated, list(_values(sde))) for sde in transcript.sdes],
        "provenance": _provenance(archive, record, zone),
        "others": _others(archive, transcript),
        "zone": str(zone),
        "other_zone": _other_zone(archive, conversation_id, query, is_utc=is_utc),
        "href": conversation_href(conversation_id),
        "back": SearchState(q=query).href(),
        "counted": counted,
    }


def _other_zone(archive: Archive, conversation_id: str, query: str, *, is_utc: bool) -> tuple[str, str] | None:
    """The zone in which times can be shown instead, with the address; None if there is no other."""
    if str(archive.settings.zone) == str(UTC):
        return None
    href = conversation_href(conversation_id, query)
    return (str(archive.settings.zone), href) if is_utc else ("UTC", f"{href}{'&' if query else '?'}times=utc")


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


def _only(name: str, query: str) -> str:
    return f"{'&' if query else '?'}{urlencode({'only': name})}"


def _numbers_of_page(count: int, at: int | None) -> range:
    """The numbers of the messages of the page that holds a number."""
    page = (min(max(at or 1, 1), max(count, 1)) - 1) // _PAGE
    return range(page * _PAGE + 1, min((page + 1) * _PAGE, count) + 1)


def _pages(transcript: Transcript, numbers: range, query: str) -> Iterator[tuple[str, str, bool]]:
    """The pages of a long conversation: label, address, whether it is this one."""
    count = len(transcript.messages)
    for first in range(1, count + 1, _PAGE) if count > _PAGE else ():
        label = f"{first:,}–{min(first + _PAGE - 1, count):,}"
        yield label, conversation_href(transcript.id, query, first), first == numbers.start


def _is_wanted(entry: Entry, only: str) -> bool:
    if not only or entry.kind == "day":
        return True
    return entry.kind == "note" if only == "notes" else entry.kind == "message" and entry.role == only


def _facts(transcript: Transcript, zone: tzinfo) -> Iterator[Fact]:
    metadata = transcript.metadata
    yield Fact("Started", _moment(metadata.started_at, zone))
    yield Fact("Ended", _moment(metadata.ended_at, zone))
    yield Fact("Duration", duration(metadata.duration_ms) or "unknown")
    searchable = (
        ("Status", "status", next(iter(facet_values(transcript, "status")), None)),
        ("Skill", "skill", metadata.skill),
        ("Agent group", "group", metadata.group),
        ("Closed by", "closed", metadata.close_reason),
        ("Channel", "source", metadata.source),
        ("Device", "device", metadata.device),
        ("Language", "lang", metadata.language),
        *(("Campaign", "campaign", name) for name in metadata.campaign),
        *(("Intent", "intent", name) for name in metadata.intents),
    )
    for label, field, value in searchable:
        if value:
            yield Fact(label, value, _search(condition(field, value)))
    scores = (("MCS", metadata.mcs), ("CSAT", metadata.csat), ("NPS", metadata.nps))
    yield from (Fact(label, f"{value:g}") for label, value in scores if value is not None)


def _people(metadata: Metadata) -> Iterator[tuple[str, tuple[Fact, ...]]]:
    """Everybody who took part with what is known of them."""
    for person in (*metadata.consumers, *metadata.agents):
        field = "customer" if person.role is Role.CUSTOMER else "agent"
        known = (("Id", person.id), ("Login", person.login), ("E-mail", person.email), ("Phone", person.phone))
        facts = (Fact(label, value, _search(condition(field, value))) for label, value in known if value)
        yield f"{person.name} ({person.role.value})", tuple(facts)


def _values(sde: Sde) -> Iterator[Fact]:
    for label, path, value in sde_rows(sde):
        yield Fact(label, value, _search(condition(f"sde.{path}", value) if path else None))


def _search(term: str | None) -> str | None:
    return SearchState(filters=(term,)).href() if term else None


def _provenance(archive: Archive, record: Record, zone: tzinfo) -> dict[str, Any]:
    """Where the text comes from: the vault's entry, its hash, and the other versions."""
    history = archive.history(record.conversation_id)
    return {
        "entry": record.seq,
        "fetched_at": _moment(datetime.fromisoformat(record.fetched_at), zone),
        "link": archive.file.vault.link_at(record.seq),
        "versions": sum(entry.is_version for entry in history),
        "events": [entry for entry in history if not entry.is_version],
        "history": f"/history/{quote(record.conversation_id, safe='')}",
        "raw": f"/raw/{quote(record.conversation_id, safe='')}",
    }


def _others(archive: Archive, transcript: Transcript) -> dict[str, Any] | None:
    """The newest other conversations of the same customer; None if the customer is unknown or the index is down. The
    search behind them is for the id's words, which others may have in a name or number: those are not shown.
    """
    ids = {person.id for person in transcript.metadata.consumers if person.id}
    term = condition("customer", min(ids)) if ids else None
    if term is None:
        return None
    try:
        results = archive.search(term, limit=_SEARCHED).results()
    except ArchiverError:
        return None
    others = [hit.transcript for hit in results.hits if hit.transcript.id != transcript.id and not hit.fault]
    same = [item for item in others if ids & {person.id for person in item.metadata.consumers}]
    return {"shown": same[:_OTHERS], "mentions": results.total, "href": _search(term)}


def _moment(moment: datetime | None, zone: tzinfo) -> str:
    return f"{in_zone(moment, zone):%d %b %Y %H:%M:%S}" if moment else "unknown"
