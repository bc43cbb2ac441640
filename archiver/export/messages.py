"""NDJSON of messages: one message that a query found per line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archiver.index import Hit
from archiver.jsontext import encode
from archiver.model import Message
from archiver.query import Match, every_message
from archiver.transcript import iso, message_as_json


def message_lines(hits: Iterable[Hit], *, note_unreadable: Callable[[Hit], None]) -> Iterator[bytes]:
    """One `archiver.message/1` per hit, in their order. A hit that can't be read is given to `note_unreadable`."""
    for hit in hits:
        message = next((item for item in every_message(hit.transcript) if item.id == hit.message_id), None)
        if hit.fault or message is None:
            note_unreadable(hit)
        else:
            yield encode(_as_json(hit, message)) + b"\n"


def _as_json(hit: Hit, message: Message) -> dict[str, Any]:
    metadata = hit.transcript.metadata
    number = hit.transcript.numbering().get(message.id)
    return {
        "schema": "archiver.message/1",
        "conversation_id": hit.transcript.id,
        "start": iso(metadata.started_at),
        "customer": [person.name for person in metadata.consumers],
        "skill": metadata.skill,
        "number": number,
        "is_deleted": number is None,
        "message": message_as_json(message),
        "matches": [_match(match) for match in hit.matches],
    }


def _match(match: Match) -> dict[str, Any]:
    return {
        "where": match.where, "until": iso(match.until), "text": match.snippet.text, "marks": match.snippet.marks,
    }  # fmt: skip
