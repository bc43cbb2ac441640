"""Conversations and messages as rows of tables, whose columns docs/export.md describes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from archiver.export.item import Item
from archiver.model import Message, Metadata, Transcript
from archiver.rawrecord import number as number_of
from archiver.transcript import kind_of

# Name of each column, and its type in a typed table.
CONVERSATIONS = {
    "conversation_id": "text", "start": "time", "end": "time", "duration_s": "number", "status": "text",
    "customer": "text", "customer_id": "text", "customer_email": "text", "customer_phone": "text", "agents": "text",
    "bots": "text", "skill": "text", "skills": "text", "agent_group": "text", "source": "text", "device": "text",
    "language": "text", "close_reason": "text", "mcs": "integer", "csat": "number", "nps": "number", "fcr": "text",
    "transfers": "integer", "messages": "integer", "campaign": "text", "intents": "text", "country": "text",
    "city": "text", "summary": "text", "states": "text", "is_partial": "truth", "vault_entry": "integer",
    "fetched_at": "text",
}  # fmt: skip
MESSAGES = {
    "conversation_id": "text", "number": "integer", "message_id": "text", "sent_at": "time", "role": "text",
    "sender": "text", "kind": "text", "is_private": "truth", "text": "text", "file": "text", "mcs": "integer",
    "read_until": "time",
}  # fmt: skip
SDES = {
    "conversation_id": "text", "type": "text", "at": "time", "is_authenticated": "truth", "path": "text",
    "value": "text", "number": "number",
}  # fmt: skip
Row = tuple[Any, ...]


def conversation_row(item: Item, transcript: Transcript) -> Row:
    """The conversation, by the columns of CONVERSATIONS."""
    metadata = transcript.metadata
    duration_s = None if metadata.duration_ms is None else metadata.duration_ms / 1000
    return (
        transcript.id, metadata.started_at, metadata.ended_at, duration_s, metadata.status,
        *_customers(metadata), _joined(p.name for p in metadata.agents if p.role != "bot"),
        _joined(p.name for p in metadata.agents if p.role == "bot"), metadata.skill, _joined(metadata.skills),
        metadata.group, metadata.source, metadata.device, metadata.language, metadata.close_reason, metadata.mcs,
        metadata.csat, metadata.nps, metadata.fcr, metadata.transfers, len(transcript.messages),
        _joined(metadata.campaign), _joined(metadata.intents), metadata.country, metadata.city,
        _joined(transcript.summaries), _joined(transcript.states), metadata.is_partial, item.record.seq,
        item.record.fetched_at,
    )  # fmt: skip


def _customers(metadata: Metadata) -> Iterator[str | None]:
    for name in ("name", "id", "email", "phone"):
        yield _joined(value for person in metadata.consumers if (value := getattr(person, name)))


def message_rows(transcript: Transcript) -> Iterator[Row]:
    """The messages, by the columns of MESSAGES: each with its number, and its earlier texts below it, which say until
    when they were read.
    """
    numbers = transcript.numbering()
    for number, message in enumerate(transcript.messages, 1):
        yield _message_row(transcript, message, number, None)
        yield from (
            _message_row(transcript, former.message, number, former.until)
            for former in transcript.former
            if numbers.get(former.message.id) == number
        )
    yield from (
        _message_row(transcript, former.message, None, former.until)
        for former in transcript.former
        if former.message.id not in numbers
    )


def _message_row(transcript: Transcript, message: Message, number: int | None, until: datetime | None) -> Row:
    return (
        transcript.id, number, message.id, message.sent_at, message.role.value, message.sender, kind_of(message),
        message.is_private, message.text, message.file, message.mcs, until,
    )  # fmt: skip


def sde_rows(transcript: Transcript) -> Iterator[Row]:
    """The values of all SDEs, by the columns of SDES."""
    for sde in transcript.sdes:
        for path, value in sde.values:
            yield transcript.id, sde.type, sde.at, sde.is_authenticated, path, str(value), number_of(value)


def _joined(values: Any) -> str | None:
    return "; ".join(values) or None
