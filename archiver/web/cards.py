"""The hits of a search as cards and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from archiver.errors import counted
from archiver.index import Hit
from archiver.model import Metadata, Role, Transcript
from archiver.outputs import numbers_around
from archiver.query import Match
from archiver.transcript import kind_of
from archiver.value import Value, replace
from archiver.web.lens import Lens
from archiver.web.texts import Piece, excerpt, plain
from archiver.web.times import duration, in_zone, minute

_SHOWN_MATCHES = 3
_LONGEST_BESIDE = 200  # characters of a message before or after a match
_LOW_MCS, _LOW_CSAT = 40, 2
_PLACES = {"sde": "Engagement attribute", "about": "About"}


class Line(Value):
    """A message or another text on a card. `is_hit`: the query matches in it."""

    number: int | None
    href: str | None
    time: str
    who: str
    role: str
    notes: tuple[str, ...]
    text: tuple[Piece, ...]
    is_hit: bool


class Card(Value):
    """A hit as people read it. `message`: the line of the message that the hit is, if it is one, with its whole time.
    `fault`: why the conversation can't be shown.
    """

    id: str
    href: str
    start: str
    duration: str
    customers: str
    agents: str
    skills: tuple[str, ...]
    badges: tuple[str, ...]
    groups: tuple[tuple[Line, ...], ...]
    more: int
    cells: dict[str, str]
    message: Line | None
    fault: str | None


def card(hit: Hit, lens: Lens, zone: tzinfo) -> Card:
    """A hit of a search, with times in a zone."""
    transcript, metadata = hit.transcript, hit.transcript.metadata
    numbers = transcript.numbering()
    shown = list(_distinct(hit))
    first = next((number for match in shown if (number := _number(match, numbers))), None)
    groups = tuple(_groups(transcript, shown[:_SHOWN_MATCHES], lens, zone)) or _beginning(transcript, lens, zone)
    return Card(
        id=transcript.id,
        href=lens.href(transcript.id, first),
        start=minute(metadata.started_at, zone),
        duration=duration(metadata.duration_ms),
        customers=", ".join(person.name for person in metadata.consumers) or "unknown customer",
        agents=", ".join(person.name for person in metadata.agents) or "nobody",
        skills=_path(metadata),
        badges=tuple(badges(transcript)),
        groups=groups,
        more=max(len(shown) - _SHOWN_MATCHES, 0),
        cells=_cells(transcript, zone),
        message=_itself(hit, numbers, lens, zone),
        fault=hit.fault,
    )


def _path(metadata: Metadata) -> tuple[str, ...]:
    """The skills in their order, the one in which the conversation ended last."""
    others = [skill for skill in metadata.skills if skill != metadata.skill]
    return (*others, metadata.skill) if metadata.skill else tuple(others)


def badges(transcript: Transcript) -> Iterator[str]:
    """What is remarkable about a conversation, in words."""
    metadata = transcript.metadata
    if (metadata.status or "").upper() == "OPEN":
        yield "open"
    if metadata.mcs is not None:
        yield f"MCS {metadata.mcs}{' low' if metadata.mcs < _LOW_MCS else ''}"
    if metadata.csat is not None:
        yield f"CSAT {metadata.csat:g}{' low' if metadata.csat <= _LOW_CSAT else ''}"
    if metadata.transfers:
        yield counted(metadata.transfers, "transfer")
    if any(message.is_private for message in transcript.messages):
        yield "private notes"
    if metadata.is_partial:
        yield "incomplete at LivePerson"
    yield from transcript.states


def _distinct(hit: Hit) -> Iterator[Match]:
    """The matches, each text once."""
    seen = set()
    for match in hit.matches:
        key = (match.where, match.path, match.message.id if match.message else None, match.snippet.text)
        if key not in seen:
            seen.add(key)
            yield match


def _number(match: Match, numbers: dict[str, int]) -> int | None:
    return numbers.get(match.message.id) if match.message else None


def _beginning(transcript: Transcript, lens: Lens, zone: tzinfo) -> tuple[tuple[Line, ...], ...]:
    """What the customer wrote first, where the query names no words; else the first message."""
    numbered = list(enumerate(transcript.messages, 1))
    first = next((number for number, message in numbered if message.role is Role.CUSTOMER), 1 if numbered else None)
    return ((_message(transcript, first, None, lens, zone),),) if first else ()


def _groups(
    transcript: Transcript, shown: list[Match], lens: Lens, zone: tzinfo
) -> Iterator[tuple[Line, ...]]:  # fmt: skip
    """The texts that matched, messages between the one before and the one after; those that are near one another
    together.
    """
    numbers = transcript.numbering()
    by_number = {number: match for match in shown if (number := _number(match, numbers)) and not match.until}
    near = sorted({at for number in by_number for at in numbers_around(number, 1, len(transcript.messages))})
    group: list[Line] = []
    for at in near:
        if group and group[-1].number != at - 1:
            yield tuple(group)
            group = []
        group.append(_message(transcript, at, by_number.get(at), lens, zone))
    if group:
        yield tuple(group)
    yield from (
        (_other(match, numbers, transcript.id, lens, zone),) for match in shown if match not in by_number.values()
    )


def _itself(hit: Hit, numbers: dict[str, int], lens: Lens, zone: tzinfo) -> Line | None:
    number = numbers.get(hit.message_id or "")
    if number is None:
        return None
    match = next((match for match in hit.matches if _number(match, numbers) == number and not match.until), None)
    line = _message(hit.transcript, number, match, lens, zone)
    return replace(line, time=minute(hit.transcript.messages[number - 1].sent_at, zone))


def _message(transcript: Transcript, number: int, match: Match | None, lens: Lens, zone: tzinfo) -> Line:
    """A present message, with its marks if the query matches in it."""
    message = transcript.messages[number - 1]
    text = excerpt(match.snippet) if match else plain(_shortened(message.text))
    notes = [] if kind_of(message) == "message" else [kind_of(message)]
    if match and match.where in ("card", "file", "link") and match.where not in notes:
        notes.append(match.where)
    shown = tuple(text) or (Piece(f"[{message.type}]"),)
    clock = _clock(message.sent_at, transcript.metadata.started_at, zone)
    href = lens.href(transcript.id, number)
    return Line(number, href, clock, message.sender, message.role.value, tuple(notes), shown, match is not None)


def _other(
    match: Match, numbers: dict[str, int], conversation_id: str, lens: Lens, zone: tzinfo
) -> Line:  # fmt: skip
    """A match in a text that is no present message: a survey, an SDE, a fact, or an earlier text of a message."""
    message = match.message
    notes = [match.path] if match.path and not message else []
    if message and match.until:
        notes.append(f"earlier text, until {minute(match.until, zone)}")
    number = _number(match, numbers)
    href = lens.href(conversation_id, number) if number else None
    who = message.sender if message else _PLACES.get(match.where, match.where.capitalize())
    role = message.role.value if message else "fact"
    return Line(number, href, "", who, role, tuple(notes), tuple(excerpt(match.snippet)), True)


def _clock(at: datetime | None, start: datetime | None, zone: tzinfo) -> str:
    """When a message was sent, with its day if that is not the one on the card."""
    if at is None:
        return ""
    local = in_zone(at, zone)
    is_same_day = start is not None and in_zone(start, zone).date() == local.date()
    return f"{local:%H:%M}" if is_same_day else minute(at, zone)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_BESIDE else f"{text[: _LONGEST_BESIDE - 1]}…"


def _cells(transcript: Transcript, zone: tzinfo) -> dict[str, str]:
    """What each column of the table says."""
    metadata = transcript.metadata
    return {
        "start": minute(metadata.started_at, zone),
        "customer": ", ".join(person.name for person in metadata.consumers),
        "agents": ", ".join(person.name for person in metadata.agents),
        "skill": metadata.skill or "",
        "messages": f"{len(transcript.messages):,}",
        "duration": duration(metadata.duration_ms),
        "mcs": "" if metadata.mcs is None else str(metadata.mcs),
        "csat": "" if metadata.csat is None else f"{metadata.csat:g}",
    }
