"""`archiver.search/2`: the hits of a search with what the answer is worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archiver.index import Assurance, Hit, Search
from archiver.model import Message
from archiver.outputs.worth import question_json
from archiver.query import Match
from archiver.transcript import iso, kind_of


def search_json(
    search: Search, worth: Assurance, counts: Mapping[str, Any], around: int = 0
) -> tuple[dict[str, Any], str, Iterator[dict[str, Any]], Callable[[], dict[str, Any]]]:
    """The document in parts, so that one hit at a time is in memory: the members before the list of hits, its name, the
    hits with so many messages around each match, and what gives the members that are known after the last hit.
    """
    before = {
        "schema": "archiver.search/2",
        **question_json(worth, search.request.query.text),
        "scope": search.request.scope,
        "total": search.total,
        "notices": search.notices,
    }
    facets = {"facets": counts} if counts else {}
    hits = (item_json(hit, around) for hit in search)
    return before, "items", hits, lambda: {"next": search.next, "complete": search.is_complete, **facets}


def item_json(hit: Hit, around: int = 0) -> dict[str, Any]:
    """A hit in `archiver.search/2`."""
    metadata = hit.transcript.metadata
    numbers = hit.transcript.numbering()
    return {
        "conversation_id": hit.transcript.id,
        "message_id": hit.message_id,
        "start": iso(metadata.started_at),
        "end": iso(metadata.ended_at),
        "customer": [person.name for person in metadata.consumers],
        "skill": metadata.skill,
        "agents": [agent.name for agent in metadata.agents],
        "states": hit.transcript.states,
        "mcs": metadata.mcs,
        "csat": metadata.csat,
        "duration_ms": metadata.duration_ms,
        "message_count": len(hit.transcript.messages),
        "matches": [_match(match, numbers) | _context(hit, match, numbers, around) for match in hit.matches],
        "unreadable": hit.fault,
    }


def _match(match: Match, numbers: Mapping[str, int]) -> dict[str, Any]:
    message = match.message
    return {
        "where": match.where,
        "path": match.path,
        "message_id": message.id if message else None,
        "number": numbers.get(message.id) if message else None,
        "sent_at": iso(message.sent_at) if message else None,
        "role": message.role if message else None,
        "sender": message.sender if message else None,
        "kind": kind_of(message) if message else None,
        "is_earlier": match.until is not None,
        "until": iso(match.until),
        "text": match.snippet.text,
        "marks": match.snippet.marks,
    }


def _context(hit: Hit, match: Match, numbers: Mapping[str, int], around: int) -> dict[str, Any]:
    """The messages before and after that of a match; nothing if none were asked for."""
    if not around:
        return {}
    at = numbers.get(match.message.id, 0) if match.message else 0
    near = numbers_around(at, around, len(hit.transcript.messages)) if at else range(0)
    brief = {number: _brief(hit.transcript.messages[number - 1], number) for number in near}
    return {
        "before": [message for number, message in brief.items() if number < at],
        "after": [message for number, message in brief.items() if number > at],
    }


def _brief(message: Message, number: int) -> dict[str, Any]:
    return {
        "message_id": message.id, "number": number, "sent_at": iso(message.sent_at), "role": message.role,
        "sender": message.sender, "kind": kind_of(message), "text": message.text,
    }  # fmt: skip


def numbers_around(number: int, around: int, count: int) -> range:
    """The numbers of a message and of so many before and after it, of `count` messages."""
    return range(max(number - around, 1), min(number + around, count) + 1)
