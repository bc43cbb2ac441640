"""The JSON of a transcript, `archiver.transcript/1`: what `show --json` prints and `export` writes."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from typing import Any

from archiver.jsontext import is_standard, raw_json
from archiver.model import Dialog, Event, Former, Message, Metadata, Sde, SurveyAnswer, Transcript, Zone
from archiver.value import as_dict

SCHEMA = "archiver.transcript/1"


def as_json(transcript: Transcript, *, seq: int, fetched_at: str, raw: bytes | None = None) -> dict[str, Any]:
    """A transcript as plain values, with its vault entry; with the exact bytes of the record if given.

    They are the member `raw` if any reader of JSON can read them, and `raw_base64` in Base64 otherwise: with bytes that
    are not UTF-8, or control characters inside texts, the whole document would be unreadable.
    """
    content = {"schema": SCHEMA, **_transcript(transcript), "provenance": {"seq": seq, "fetched_at": fetched_at}}
    if raw is not None and is_standard(raw):
        content["raw"] = raw_json(raw)
    elif raw is not None:
        content["raw_base64"] = b64encode(raw).decode("ascii")
    return content


def unreadable_as_json(conversation_id: str, reason: str, *, seq: int, fetched_at: str, raw: bytes) -> dict[str, Any]:
    """`archiver.unreadable/1`: a record that can't be read as a conversation, with the reason and its exact bytes."""
    return {
        "schema": "archiver.unreadable/1", "conversation_id": conversation_id, "reason": reason,
        "provenance": {"seq": seq, "fetched_at": fetched_at}, "raw_base64": b64encode(raw).decode("ascii"),
    }  # fmt: skip


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 with milliseconds and offset."""
    return moment.isoformat(timespec="milliseconds") if moment else None


def _transcript(transcript: Transcript) -> dict[str, Any]:
    return {
        "conversation_id": transcript.id,
        "start": iso(transcript.metadata.started_at),
        "end": iso(transcript.metadata.ended_at),
        "metadata": _metadata(transcript.metadata),
        "messages": [message_as_json(message) for message in transcript.messages],
        "events": [_event(event) for event in transcript.events],
        "surveys": [_answer(answer) for answer in transcript.answers],
        "summaries": list(transcript.summaries),
        "sdes": [_sde(sde) for sde in transcript.sdes],
        "dialogs": [_dialog(dialog) for dialog in transcript.dialogs],
        "about": [{"path": path, "text": text} for path, text in transcript.about],
        "states": list(transcript.states),
        "earlier": [_former(former) for former in transcript.former],
    }


def _metadata(metadata: Metadata) -> dict[str, Any]:
    content = as_dict(metadata)
    content["started_at"], content["ended_at"] = iso(metadata.started_at), iso(metadata.ended_at)
    return content


def message_as_json(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "sent_at": iso(message.sent_at),
        "role": message.role,
        "sender": message.sender,
        "sender_id": message.sender_id,
        "type": message.type,
        "private": message.is_private,
        "text": message.text,
        "file": message.file,
        "kind": kind_of(message),
        "parts": [{"zone": part.zone, "text": part.text} for part in message.parts],
        "mcs": message.mcs,
        "deliveries": [
            {"status": delivery.status, "by": delivery.by, "at": iso(delivery.at)} for delivery in message.deliveries
        ],
        "context": [{"path": path, "value": value} for path, value in message.context],
        "dialog_id": message.dialog_id,
        "seq": message.seq,
        "extra": [{"path": path, "value": value} for path, value in message.extra],
    }


_KINDS = {"SECURE_FORM_INVITATION": "form", "SECURE_FORM_SUBMIT": "form submitted", "LINK": "link"}


def kind_of(message: Message) -> str:
    """What kind of message it is, in a word that people use."""
    if message.is_private:
        return "private note"
    if message.type in _KINDS:
        return _KINDS[message.type]
    if message.file:
        return "file"
    zones = {part.zone for part in message.parts}
    return "card" if Zone.CARD in zones and Zone.SAID not in zones else "message"


def _former(former: Former) -> dict[str, Any]:
    message = former.message
    return {
        "message_id": message.id, "until": iso(former.until), "text": message.text, "sender": message.sender,
        "role": message.role, "sent_at": iso(message.sent_at),
    }  # fmt: skip


def _dialog(dialog: Dialog) -> dict[str, Any]:
    return as_dict(dialog) | {"started_at": iso(dialog.started_at), "ended_at": iso(dialog.ended_at)}


def _event(event: Event) -> dict[str, Any]:
    return {"at": iso(event.at), "kind": event.kind, "text": event.text}


def _answer(answer: SurveyAnswer) -> dict[str, Any]:
    return {"survey": answer.survey, "by": answer.by, "question": answer.question, "answer": answer.answer}


def _sde(sde: Sde) -> dict[str, Any]:
    values = [{"path": path, "value": value} for path, value in sde.values]
    return {"type": sde.type, "at": iso(sde.at), "authenticated": sde.is_authenticated, "values": values}
