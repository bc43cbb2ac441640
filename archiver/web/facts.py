"""What stands beside the messages of a transcript, with what a query marks in it: facts, people, attributes, surveys,
summaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import tzinfo
from typing import Any

from archiver.access import DOT
from archiver.model import Metadata, Role, Sde, Transcript, Zone
from archiver.outputs import sde_rows
from archiver.query import Expression, Reading, Snippet, facet_values
from archiver.value import Value, replace
from archiver.web.facets import condition, facet_condition
from archiver.web.lens import Lens
from archiver.web.texts import Piece, pieces, plain
from archiver.web.times import duration, moment


class Fact(Value):
    """A fact at the side of a transcript; `href` searches for others with the same."""

    label: str
    value: str
    pieces: tuple[Piece, ...]
    href: str | None = None


Marks = dict[tuple[str, str], Snippet]  # by zone and text
Marked = Callable[[Zone, str | None], tuple[Piece, ...]]


def facts_page(transcript: Transcript, expression: Expression | None, lens: Lens, zone: tzinfo) -> dict[str, Any]:
    """Everything that the page shows of it; `marked_beside`: in how many texts the query marks something."""
    marks = _marks(transcript, expression) if expression is not None else {}
    shown = set[tuple[str, str]]()

    def marked(where: Zone, text: str | None) -> tuple[Piece, ...]:
        place = (where, text or "")
        if place in marks:
            shown.add(place)
        return tuple(pieces(marks.get(place, Snippet(text or ""))))

    page = {
        "facts": list(_facts(transcript, zone, marked, lens)),
        "people": list(_people(transcript.metadata, marked, lens)),
        "sdes": [(sde.type, sde.is_authenticated, list(_values(sde, marked, lens))) for sde in transcript.sdes],
        "answers": [
            (marked(Zone.SURVEY, item.question), marked(Zone.SURVEY, item.answer)) for item in transcript.answers
        ],
        "summaries": [marked(Zone.SUMMARY, text) for text in transcript.summaries],
    }
    return page | {"marked_beside": len(shown)}


def _marks(transcript: Transcript, expression: Expression) -> Marks:
    beside = replace(transcript, messages=(), former=())
    return {(match.where, match.snippet.text): match.snippet for match in Reading(beside).matches(expression)}


def _fact(label: str, value: str) -> Fact:
    return Fact(label, value, tuple(plain(value)))


def _facts(transcript: Transcript, zone: tzinfo, marked: Marked, lens: Lens) -> Iterator[Fact]:
    metadata = transcript.metadata
    yield _fact("Started", moment(metadata.started_at, zone))
    yield _fact("Ended", moment(metadata.ended_at, zone))
    yield _fact("Duration", duration(metadata.duration_ms) or "unknown")
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
            yield Fact(label, value, marked(Zone.ABOUT, value), lens.search(facet_condition(field, value)))
    scores = (("MCS", metadata.mcs), ("CSAT", metadata.csat), ("NPS", metadata.nps))
    yield from (_fact(label, f"{value:g}") for label, value in scores if value is not None)


def _people(
    metadata: Metadata, marked: Marked, lens: Lens
) -> Iterator[tuple[tuple[Piece, ...], str, tuple[Fact, ...]]]:
    """Everybody who took part with what is known of them."""
    for person in (*metadata.consumers, *metadata.agents):
        field = "customer" if person.role is Role.CUSTOMER else "agent"
        known = (("Id", person.id), ("Login", person.login), ("E-mail", person.email), ("Phone", person.phone))
        terms = {value: None if DOT in value else condition(field, value) for _, value in known if value}
        facts = (
            Fact(label, value, marked(Zone.ABOUT, value), lens.search(terms[value])) for label, value in known if value
        )
        yield marked(Zone.ABOUT, person.name), person.role.value, tuple(facts)


def _values(sde: Sde, marked: Marked, lens: Lens) -> Iterator[Fact]:
    for label, path, value in sde_rows(sde):
        term = condition(f"sde.{path}", value) if path and DOT not in value else None
        yield Fact(label, value, marked(Zone.SDE, value), lens.search(term))
