"""NDJSON of messages: one message that a query found per line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from archiver.index import Hit
from archiver.jsontext import encode
from archiver.model import Message
from archiver.query import Match, every_message
from archiver.transcript import iso, kind_of, message_as_json

MESSAGE_COLUMNS = (
    "conversation_id", "number", "message_id", "sent_at", "role", "sender", "kind", "is_private", "text", "file",
    "mcs", "start", "customer", "skill",
)  # fmt: skip


def message_lines(hits: Iterable[Hit], *, note_unreadable: Callable[[Hit], None]) -> Iterator[bytes]:
    """One `archiver.message/1` per hit, in their order. A hit that can't be read is given to `note_unreadable`."""
    for hit in hits:
        message = _message_of(hit)
        if hit.fault or message is None:
            note_unreadable(hit)
        else:
            yield encode(_as_json(hit, message)) + b"\n"


def message_row(hit: Hit) -> tuple[Any, ...] | None:
    """A hit as a row of a table, by MESSAGE_COLUMNS; None for one that can't be read."""
    message = _message_of(hit)
    if hit.fault or message is None:
        return None
    metadata = hit.transcript.metadata
    return (
        hit.transcript.id, hit.transcript.numbering().get(message.id), message.id, iso(message.sent_at),
        message.role.value, message.sender, kind_of(message), "yes" if message.is_private else "no", message.text,
        message.file, message.mcs, iso(metadata.started_at), "; ".join(person.name for person in metadata.consumers),
        metadata.skill,
    )  # fmt: skip


def _message_of(hit: Hit) -> Message | None:
    return next((item for item in every_message(hit.transcript) if item.id == hit.message_id), None)


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
