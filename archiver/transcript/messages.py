"""Reads messages: what was sent, by whom, its delivery, its score, and what bots noted about it. Pure and total."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from archiver.model import Delivery, Message, Part, Participant, Role, Zone, from_ms
from archiver.rawrecord import integer, items, listed, moment, section, text_of, unread
from archiver.transcript.context import context_of
from archiver.transcript.text import read_message
from archiver.value import replace

# Members that the transcript has under a name of its own or in another form; all others are `extra`.
_KNOWN = frozenset(
    (
        "type", "messageData", "messageId", "seq", "dialogId", "participantId", "source", "time", "timeL", "device",
        "audience", "sentBy", "contextData",
    )
)  # fmt: skip


def messages(record: dict[str, Any], conversation_id: str, by_id: Mapping[str, Participant]) -> tuple[Message, ...]:
    """All messages in the order they were sent, each with an id of its own."""
    read: dict[str, Message] = {}
    beside = _Beside(record)
    for at, given in enumerate(listed(record.get("messageRecords"))):
        # A message that is nothing but its text is one all the same.
        item = given if isinstance(given, dict) else {"messageData": given}
        id_ = text_of(item.get("messageId"))
        message = _message(item, id_, conversation_id, by_id, beside)
        if id_ is None or id_ in read:  # the API may repeat an id or leave it out
            message = replace(message, id=f"{id_ or conversation_id}#{at}")
        read[message.id] = message
    return tuple(sorted(read.values(), key=_sending_order))


def _sending_order(message: Message) -> tuple[bool, datetime, str, int]:
    """Sequence numbers restart in each dialog, so time comes first (Messaging Interactions API, Conversations)."""
    return (message.sent_at is None, message.sent_at or from_ms(0), message.dialog_id or "", message.seq or 0)


class _Beside:
    """What a record says about messages in sections of their own."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.deliveries: dict[str | None, list[Delivery]] = defaultdict(list)
        for item in items(record, "messageStatuses"):
            status, by = text_of(item.get("messageDeliveryStatus")), text_of(item.get("participantType"))
            if status:
                self.deliveries[text_of(item.get("messageId"))].append(Delivery(status, by, moment(item, "time")))
        self.scores = {
            text_of(item.get("messageId")): integer(item.get("mcs")) for item in items(record, "messageScores")
        }


def _message(
    item: dict[str, Any], id_: str | None, conversation_id: str, by_id: Mapping[str, Participant], beside: _Beside
) -> Message:
    data, type_ = item.get("messageData"), text_of(item.get("type")) or "UNKNOWN"
    sender_id = text_of(item.get("participantId"))
    person = by_id.get(sender_id or "")
    role, is_private = _role(item, person), item.get("audience") == "AGENTS_AND_MANAGERS"
    text, parts = read_message(type_, data)
    return Message(
        id=id_ or "",
        conversation_id=conversation_id,
        dialog_id=text_of(item.get("dialogId")),
        seq=integer(item.get("seq")),
        sent_at=moment(item, "time"),
        role=role,
        sender_id=sender_id,
        sender=person.name if person else role.value.capitalize(),
        type=type_,
        is_private=is_private,
        text=text,
        file=text_of(section(data, "file").get("relativePath")) if isinstance(data, dict) and "file" in data else None,
        parts=tuple(map(_as_note, parts)) if is_private else parts,
        mcs=beside.scores.get(id_),
        deliveries=tuple(beside.deliveries.get(id_, ())),
        context=context_of(item["contextData"]) if "contextData" in item else (),
        extra=unread(item, _KNOWN),
    )


def _as_note(part: Part) -> Part:
    return Part(Zone.NOTE, part.text) if part.zone is Zone.SAID else part


def _role(item: dict[str, Any], person: Participant | None) -> Role:
    sent_by = str(item.get("sentBy") or "").lower()
    if sent_by == "consumer":
        return Role.CUSTOMER
    if sent_by == "agent":
        return person.role if person and person.role is not Role.CUSTOMER else Role.AGENT
    return person.role if person and sent_by != "system" else Role.SYSTEM
