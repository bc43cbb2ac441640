"""The page of one conversation: everything that its template shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, tzinfo
from itertools import islice
from typing import Any
from urllib.parse import quote

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import CoverageState, Record, reading_at
from archiver.errors import ArchiverError, counted
from archiver.index import Readings
from archiver.model import Transcript
from archiver.query import Expression
from archiver.value import Value, replace
from archiver.web.cards import badges
from archiver.web.coverage_page import STATES
from archiver.web.entries import Entry, entries, matching
from archiver.web.facets import condition
from archiver.web.facts import facts_page
from archiver.web.lens import PART, Lens
from archiver.web.times import day, minute, moment
from archiver.zones import time_zone

_NEAR = 5  # parts before and after the one that is shown to which it leads
_OTHERS, _SEARCHED = 5, 20  # conversations of the same customer: shown, looked at
SENDERS = ("customer", "agent", "bot", "system", "notes")


class Asked(Value):
    """What is to be shown of a conversation: the part with message number `at`, or the first one, or with `is_whole`
    all of them; only messages of some sender.
    """

    lens: Lens = Lens()
    at: int | None = None
    only: str = ""
    is_whole: bool = False


def transcript_page(archive: Archive, conversation_id: str, asked: Asked = Asked()) -> dict[str, Any]:  # noqa: B008
    """What the page shows. Raises NotFound, IntegrityError, RecordError, QueryError, ConfigError."""
    lens, only = asked.lens, asked.only
    zone = zone_of_times(archive, lens)
    record = archive.file.vault.current(conversation_id)
    transcript = archive.transcript(conversation_id)
    archive.audit(Action.VIEW, conversation_id=conversation_id)
    expression = archive.parse(lens.query).expression if lens.query.strip() else None
    numbers = _numbers_of_page(len(transcript.messages), asked)
    shown = list(entries(transcript, numbers, expression, zone))
    return facts_page(transcript, expression, lens, zone) | {
        "transcript": transcript,
        "is_masked": not archive.view.person.sees_personal_data,
        "entries": [entry for entry in shown if _is_wanted(entry, only)],
        "shown_count": sum(1 for entry in shown if entry.number and _is_wanted(entry, only)),
        "hits": [(number, _at(number, numbers, transcript.id, lens)) for number in _matching(transcript, expression)],
        "query": lens.query,
        "lens": lens,
        "only": only,
        "senders": [(name, lens.href(conversation_id, only=name)) for name in SENDERS],
        "pages": list(_pages(transcript, numbers, lens)),
        "badges": list(badges(transcript)),
        "provenance": _provenance(archive, record, zone) | {"window": _window(archive, transcript, zone)},
        **_of_index(archive, transcript, lens, zone),
        "zone": str(zone),
        "zones": list(_zones(archive, conversation_id, asked, zone)),
        "back": lens.back,
        "printed_at": moment(archive.now(), zone),
        "head": archive.file.vault.noted_head(),
        "counted": counted,
    }


def _of_index(archive: Archive, transcript: Transcript, lens: Lens, zone: tzinfo) -> dict[str, Any]:
    """Other conversations, which the index knows. If it does not answer, the text is shown without them."""
    try:
        others = _others(archive, transcript, replace(lens, query="", scope=""), zone)
        beside = [] if lens.scope else list(_beside(archive, transcript, lens))  # messages have no neighbours here
        return {"others": others, "beside": beside}
    except ArchiverError:
        return {"others": None, "beside": []}


def _beside(archive: Archive, transcript: Transcript, lens: Lens) -> Iterator[tuple[str, str]]:
    """The conversations that started after and before this one, of those that the query finds: label, address."""
    found = archive.neighbours(transcript, lens.query)
    for label, id_ in (("Newer", found.newer), ("Older", found.older)):
        if id_:
            yield label, lens.href(id_)


def zone_of_times(archive: Archive, lens: Lens) -> tzinfo:
    """The zone of the times that are shown. Raises ConfigError."""
    return time_zone(lens.times, "times") if lens.times else archive.zone


def _zones(archive: Archive, conversation_id: str, asked: Asked, present: tzinfo) -> Iterator[tuple[str, str]]:
    """The zones in which times can be shown instead, with the addresses: those of the search, of the archive, UTC."""
    given = {"only": asked.only, "m": str(asked.at or ""), "parts": "all" if asked.is_whole else ""}
    shown = {name: value for name, value in given.items() if value}
    for name in dict.fromkeys(str(zone) for zone in (archive.zone, archive.settings.zone, UTC)):
        if name != str(present):
            yield name, asked.lens.href(conversation_id, **(shown | {"times": name}))


def unreadable_page(archive: Archive, conversation_id: str) -> dict[str, Any]:
    """What the page shows of a record that can't be read as a conversation. Raises NotFound, IntegrityError."""
    archive.view.check_all()  # nobody can tell whose it is
    archive.audit(Action.VIEW, conversation_id=conversation_id)
    record = archive.file.vault.current(conversation_id)
    return {"conversation_id": conversation_id, "provenance": _provenance(archive, record, archive.zone)}


def _matching(transcript: Transcript, expression: Expression | None) -> list[int]:
    return matching(transcript, expression) if expression is not None else []


def _at(number: int, numbers: range, conversation_id: str, lens: Lens) -> str:
    """The address of a message, which may be in another part of the conversation."""
    return f"#m{number}" if number in numbers else lens.href(conversation_id, number)


def _numbers_of_page(count: int, asked: Asked) -> range:
    """The numbers of the messages that are shown."""
    if asked.is_whole:
        return range(1, count + 1)
    page = (min(max(asked.at or 1, 1), max(count, 1)) - 1) // PART
    return range(page * PART + 1, min((page + 1) * PART, count) + 1)


def _pages(transcript: Transcript, numbers: range, lens: Lens) -> Iterator[tuple[str, str, bool]]:
    """The first and last pages of a long conversation and those near this one: label, address, whether it is this."""
    count = len(transcript.messages)
    starts = range(1, count + 1, PART) if count > PART else range(0)
    for first in starts:
        if first not in (starts[0], starts[-1]) and abs(first - numbers.start) > _NEAR * PART:
            continue
        label = f"{first:,}–{min(first + PART - 1, count):,}"
        yield label, lens.href(transcript.id, first), numbers.start == first and len(numbers) <= PART
    if count > PART:
        yield "All, to print", lens.href(transcript.id, parts="all"), len(numbers) == count


def _is_wanted(entry: Entry, only: str) -> bool:
    if not only or entry.kind == "day":
        return True
    return entry.kind == "note" if only == "notes" else entry.kind == "message" and entry.role == only


def _provenance(archive: Archive, record: Record, zone: tzinfo) -> dict[str, Any]:
    """Where the text comes from: the vault's entry, its hash, and the other versions."""
    history = archive.history(record.conversation_id)
    return {
        "entry": record.seq,
        "fetched_at": moment(record.fetched_at, zone),
        "link": archive.file.vault.link_at(record.seq),
        "versions": sum(entry.is_version for entry in history),
        "events": [entry for entry in history if not entry.is_version],
        "history": f"/history/{quote(record.conversation_id, safe='')}",
        "raw": f"/raw/{quote(record.conversation_id, safe='')}",
    }


def _window(archive: Archive, transcript: Transcript, zone: tzinfo) -> tuple[str, str, str] | None:
    """The window of start times in which LivePerson listed it: from when to when, in what state, the day's address."""
    started = transcript.metadata.started_at
    reading = reading_at(archive.file.ledger, started, archive.believed_now()) if started else None
    if reading is None:
        return None
    span = f"{minute(reading.window.start, zone)} to {minute(reading.window.end, zone)}"
    word, _ = STATES[CoverageState(reading.state)]
    return span, word, f"/coverage?day={reading.window.start:%Y-%m-%d}"


def _others(archive: Archive, transcript: Transcript, lens: Lens, zone: tzinfo) -> dict[str, Any] | None:
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
    same = (_other(item, lens, zone) for item in others if ids & _consumer_ids(readings.of(item.id).reading.transcript))
    href = lens.search(term) if min(ids) in _consumer_ids(transcript) else None
    return {"shown": list(islice(same, _OTHERS)), "mentions": search.total, "href": href}


def _other(transcript: Transcript, lens: Lens, zone: tzinfo) -> dict[str, str]:
    metadata = transcript.metadata
    started = day(metadata.started_at, zone) if metadata.started_at else transcript.id
    return {"href": lens.href(transcript.id), "started": started, "skill": metadata.skill or ""}


def _consumer_ids(transcript: Transcript) -> set[str]:
    return {person.id for person in transcript.metadata.consumers if person.id}
