"""vCon: the IETF's container for conversations (draft-ietf-vcon-vcon-core-04), one for each conversation."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from archiver.export.item import Item
from archiver.jsontext import encode
from archiver.model import Message, Participant, Transcript
from archiver.transcript import iso, kind_of

_VENDOR = "LivePerson"
_VARIANT, _VERSION = 0b10, 8  # of a UUID (RFC 9562, 5.8): made from what it names


def vcon(item: Item, transcript: Transcript) -> bytes:
    """The container. Private notes are attachments, as the customer took no part in them; scores, survey answers and
    summaries are analyses by LivePerson.
    """
    parties = _Parties(transcript)
    shared = [message for message in transcript.messages if not message.is_private]
    start = _start(item, transcript)
    dialog = [_dialog(message, parties, start) for message in shared] or [_nothing(start, len(parties.listed))]
    content = {
        "vcon": "0.4.0",
        "uuid": _uuid(item, transcript),
        "created_at": _moment(item.record.fetched_at),
        "subject": f"LivePerson conversation {item.id}",
        "parties": parties.listed,
        "dialog": dialog,
        "analysis": list(_analyses(transcript, len(dialog))),
        "attachments": list(_attachments(transcript, parties, shared, start)),
    }
    return encode(content)


class _Parties:
    """Everybody who took part, by a number."""

    def __init__(self, transcript: Transcript) -> None:
        self.listed: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str], int] = {}
        self.customers: list[int] = []
        for person in (*transcript.metadata.consumers, *transcript.metadata.agents):
            number = self._add(_party(person), (person.role.value, person.name))
            self._numbers |= {("id", id_): number for id_ in (person.id, *person.ids)}
            if person.role == "customer":
                self.customers.append(number)

    def of(self, message: Message) -> int:
        """The number of a message's sender."""
        by_id = self._numbers.get(("id", message.sender_id or ""))
        if by_id is not None:
            return by_id
        key = (message.role.value, message.sender)
        return self._numbers[key] if key in self._numbers else self._add({"name": message.sender, "type": key[0]}, key)

    def _add(self, party: dict[str, Any], key: tuple[str, str]) -> int:
        self.listed.append(party)
        return self._numbers.setdefault(key, len(self.listed) - 1)


def _party(person: Participant) -> dict[str, Any]:
    known = {
        "name": person.name, "mailto": person.email, "tel": person.phone, "type": person.role.value,
        "dept": person.group, "uuid": person.id,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value}


def _dialog(message: Message, parties: _Parties, start: str) -> dict[str, Any]:
    sender = parties.of(message)
    others = [number for number in parties.customers if number != sender]
    return {
        "type": "text", "start": iso(message.sent_at) or start, "parties": [sender, *others], "originator": sender,
        "mediatype": "text/plain", "body": _body(message), "encoding": "none", "application": _VENDOR,
        "message_id": message.id,
    }  # fmt: skip


def _nothing(start: str, parties: int) -> dict[str, Any]:
    """A conversation in which nothing was written."""
    return {"type": "text", "start": start, "parties": list(range(parties)), "body": "", "encoding": "none"}


def _body(message: Message) -> str:
    file = f"[file {message.file}: content not archived]" if message.file else ""
    return "\n".join(filter(None, (message.text, file)))


def _analyses(transcript: Transcript, dialogs: int) -> Iterator[dict[str, Any]]:
    metadata, about = transcript.metadata, list(range(dialogs))
    for summary in transcript.summaries:
        yield {"type": "summary", "dialog": about, "vendor": _VENDOR, "body": summary, "encoding": "none"}
    scores = {"mcs": metadata.mcs, "csat": metadata.csat, "nps": metadata.nps}
    for name, value in scores.items():
        if value is not None:
            yield {
                "type": "report", "dialog": about, "vendor": _VENDOR, "product": name.upper(), "body": {name: value},
                "encoding": "json",
            }  # fmt: skip
    if transcript.answers:
        pairs = [{"question": answer.question, "answer": answer.answer} for answer in transcript.answers]
        yield {
            "type": "report", "dialog": about, "vendor": _VENDOR, "product": "survey", "body": pairs,
            "encoding": "json",
        }  # fmt: skip


def _attachments(
    transcript: Transcript, parties: _Parties, shared: list[Message], start: str
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for message in transcript.messages:
        if message.is_private:
            earlier = [number for number, other in enumerate(shared) if _is_before(other, message)]
            yield {
                "purpose": kind_of(message), "start": iso(message.sent_at) or start, "party": parties.of(message),
                "dialog": earlier[-1] if earlier else 0, "mediatype": "text/plain", "body": _body(message),
                "encoding": "none",
            }  # fmt: skip
    for sde in transcript.sdes:
        yield {
            "purpose": f"engagement attribute {sde.type}", "start": iso(sde.at) or start,
            "party": parties.customers[0] if parties.customers else 0, "dialog": 0, "mediatype": "application/json",
            "body": [{"path": path, "value": value} for path, value in sde.values], "encoding": "json",
        }  # fmt: skip


def _is_before(message: Message, other: Message) -> bool:
    return message.sent_at is not None and other.sent_at is not None and message.sent_at <= other.sent_at


def _start(item: Item, transcript: Transcript) -> str:
    return iso(transcript.metadata.started_at) or _moment(item.record.fetched_at)


def _moment(text: str) -> str:
    """A time of the vault as RFC 3339 wants it."""
    return text if "T" in text else text.replace(" ", "T", 1)


def _uuid(item: Item, transcript: Transcript) -> str:
    """The same for the same version of a conversation."""
    named = encode([transcript.metadata.account, item.id, item.record.seq])
    number = int.from_bytes(sha256(named).digest()[:16])
    number = number & ~(0xF << 76) | _VERSION << 76
    return str(uuid.UUID(int=number & ~(0b11 << 62) | _VARIANT << 62))
