"""The messages of a simulated conversation as LivePerson would return them at a moment.

Page: Messaging Interactions API, Methods: Conversations (message records, statuses, scores).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from archiver.jsontext import encode
from archiver.simulator.calendar import to_ms
from archiver.simulator.dialogues import ACCOUNT, BOT, CHANNELS
from archiver.simulator.lives import Life, Turn

Record = dict[str, Any]
DELETED = "** LP deleted data **"
DEVICES = ("DESKTOP", "MOBILE", "TABLET", "undefined")
_CARD = re.compile(r"\b(?:\d[ -]?){13,16}\b")
_MASK = "****************"
_TYPES = {"r": "RICH_CONTENT", "f": "HOSTED_FILE", "h": "TEXT_HTML", "l": "LINK", "s": "SECURE_FORM_INVITATION"}


def time(name: str, moment: datetime | None) -> Record:
    """A time as text and as milliseconds; before it happens "undefined" and -1."""
    if moment is None:
        return {name: "undefined", f"{name}L": -1}
    text = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
    return {name: text, f"{name}L": to_ms(moment)}


def is_deleted(life: Life, now: datetime) -> bool:
    return life.deleted_at is not None and now >= life.deleted_at


def message(life: Life, turn: Turn, at: int, now: datetime) -> Record:
    return {
        "type": _TYPES.get(turn.kind, "TEXT_PLAIN"),
        "messageData": _data(turn, at, _shown(life, turn, now)),
        "messageId": message_id(life, at),
        "seq": at,
        "dialogId": life.id,
        "participantId": _sender_id(life, turn),
        **time("time", turn.at),
        "source": CHANNELS[life.number % len(CHANNELS)],
        "device": DEVICES[life.number % 4],
        "audience": "AGENTS_AND_MANAGERS" if turn.kind == "n" else "ALL",
        "sentBy": "Consumer" if _is_customers(turn) else "Agent",
        "contextData": _context(life, turn),
        "integrationSource": "undefined",
        "predefinedContent": False,
    }


def message_id(life: Life, at: int) -> str:
    return f"ms::dialog:{life.id}::msg:{at}"


def _is_customers(turn: Turn) -> bool:
    return turn.kind in "cf"


def _sender_id(life: Life, turn: Turn) -> str:
    if _is_customers(turn):
        return life.customer.id
    return pid(BOT[0]) if turn.kind == "b" else pid(life.agent.id)


def pid(agent_id: str) -> str:
    """The id by which messages name an agent, which differs from the id in the participants."""
    return f"pid-{agent_id}"


def _shown(life: Life, turn: Turn, now: datetime) -> str:
    """Masked once the conversation is closed, removed once the customer's data were deleted."""
    if _is_customers(turn) and is_deleted(life, now):
        return DELETED
    return _CARD.sub(_MASK, turn.text) if now >= life.closed_at else turn.text


def _data(turn: Turn, number: int, text: str) -> Record:
    title, *rest = text.split("|")
    match turn.kind:
        case "f":
            path = f"/v1/AUTH_async-images/{ACCOUNT}/upload_uuid_{number}.JPG"
            preview = "data:image/jpeg;base64,/9j/4AAQSkZJRg=="
            return {"file": {"relativePath": path, "fileType": "JPG", "caption": text, "preview": preview}}
        case "r":
            elements: list[Record] = [{"type": "text", "text": title}]
            elements += [{"type": "button", "title": name, "click": {"actions": []}} for name in rest]
            return {"richContent": {"content": encode({"type": "vertical", "elements": elements}).decode()}}
        case "q":
            replies = [{"type": "button", "title": name, "click": {"actions": []}} for name in rest]
            content = {"type": "quickReplies", "itemsPerRow": 3, "replies": replies}
            return {"msg": {"text": title}, "quickReplies": {"content": encode(content).decode()}}
        case "l":
            return {"link": {"externalFileLink": title, "fileType": "undefined", "caption": "".join(rest)}}
        case "s":
            return {"secureForm": {"formId": "1", "formName": text, "invitationId": str(number)}}
        case _:
            return {"msg": {"text": text}}


def _context(life: Life, turn: Turn) -> Record:
    if turn.kind != "b":
        return {"rawMetadata": "", "structuredMetadata": []}
    intents = [{"id": "1", "name": f"ask about {life.skill}", "confidence": "HIGH", "confidenceScore": 0.9}]
    response = {"externalConversationId": life.id, "businessCases": ["travel"], "intents": intents}
    structured = [{"botResponse": response}, {"actionReason": {"reason": "welcome"}}]
    return {"rawMetadata": encode([{"type": "BotResponse", **response}]).decode(), "structuredMetadata": structured}


def statuses(life: Life, turn: Turn, at: int) -> Iterator[Record]:
    reader = (life.agent.id, "Agent") if _is_customers(turn) else (life.customer.id, "Consumer")
    for seconds, status in ((1, "ACCEPT"), (4, "READ")):
        yield {
            "messageId": message_id(life, at), "seq": at, **time("time", turn.at + timedelta(seconds=seconds)),
            "participantId": reader[0], "participantType": reader[1], "messageDeliveryStatus": status,
            "dialogId": life.id, "contextData": {},
        }  # fmt: skip


def score(life: Life, turn: Turn, at: int) -> Record:
    mcs = 20 + life.number * 7 % 76
    return {"messageId": message_id(life, at), "messageRawScore": at % 5 - 2, "mcs": mcs, **time("time", turn.at)}
