"""RSMF 2.0: Relativity's format for short messages, a file for each conversation and day (UTC).

Relativity, Short Message Format; the limits are those that its validator checks.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from itertools import groupby
from typing import Any

from archiver import __version__
from archiver.export.item import Item
from archiver.jsontext import encode
from archiver.model import Former, Message, Participant, Role, Transcript
from archiver.transcript import iso, kind_of

_VERSION = "2.0.0"
_BRAND = "brand"
_MOST_EVENTS = 10_000
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)
Event = dict[str, Any]


def rsmf(item: Item, transcript: Transcript, head: str) -> Iterator[tuple[str, bytes]]:
    """The files of a conversation by their names. Nothing is left out: a conversation in which nothing was written is
    one event of type `unknown`.
    """
    members = _Members(transcript)
    events = _events(item, transcript, members)
    days = [list(of_day) for _, of_day in groupby(events, key=lambda event: event["timestamp"][:10])]
    slices = [day[at : at + _MOST_EVENTS] for day in days for at in range(0, len(day), _MOST_EVENTS)]
    steps = _steps(transcript, members)
    for number, slice_ in enumerate(slices, 1):
        suffix = f"+{number:04}" if len(slices) > 1 else ""
        yield (
            f"{item.file_stem}{suffix}.rsmf",
            _mail(item, transcript, members, _with_steps(slice_, steps, transcript.id), head),
        )


class _Members:
    """Who took part, and the brand, on whose side the conversation was kept."""

    def __init__(self, transcript: Transcript) -> None:
        self.listed: dict[str, Event] = {
            _BRAND: {"id": _BRAND, "display": f"LivePerson account {transcript.metadata.account}"}
        }
        self._by_key: dict[str, str] = {}
        for person in (*transcript.metadata.consumers, *transcript.metadata.agents):
            self._add(person)

    def _add(self, person: Participant) -> None:
        id_ = f"{person.role.value}:{person.id}"
        known = {"email": person.email, "account_id": person.login or person.id}
        self.listed[id_] = {"id": id_, "display": person.name, **{key: item for key, item in known.items() if item}}
        self._by_key |= dict.fromkeys((person.id, *person.ids, f"{person.role.value}/{person.name}"), id_)

    def named(self, key: str) -> str:
        """The id of somebody by role and name."""
        return self._by_key[key]

    def of(self, message: Message) -> str:
        """The id of a message's sender."""
        for key in (message.sender_id or "", f"{message.role.value}/{message.sender}"):
            if key in self._by_key:
                return self._by_key[key]
        id_ = f"{message.role.value}:{message.sender_id or message.sender}"
        self.listed[id_] = {"id": id_, "display": message.sender or message.role.value}
        self._by_key[f"{message.role.value}/{message.sender}"] = id_
        return id_


def _events(item: Item, transcript: Transcript, members: _Members) -> list[Event]:
    """Messages in order of time, those without one at the time of the message before."""
    at = transcript.metadata.started_at or _fetched(item)
    formers: dict[str, list[Former]] = {}
    for former in transcript.former:
        formers.setdefault(former.message.id, []).append(former)
    events = []
    for message in transcript.messages:
        at = max(message.sent_at or at, at)
        events.append(_event(transcript, message, members, at, formers.pop(message.id, [])))
    for former in (one for several in formers.values() for one in several):
        sent_at = former.message.sent_at or at
        events.append(_event(transcript, former.message, members, sent_at, []) | {"deleted": True})
    if not events:
        return [{"type": "unknown", "body": "nothing was written", "participant": _BRAND,
                 "conversation": transcript.id, "timestamp": _time(at)}]  # fmt: skip
    return sorted(events, key=lambda event: event["timestamp"])


def _event(
    transcript: Transcript, message: Message, members: _Members, at: datetime, formers: Sequence[Former]
) -> Event:  # fmt: skip
    sender, kind = members.of(message), kind_of(message)
    file = f"[file {message.file}: content not archived]" if message.file else ""
    event: Event = {
        "type": "message", "id": message.id, "body": "\n".join(filter(None, (message.text, file))) or f"[{kind}]",
        "participant": sender, "conversation": transcript.id, "timestamp": _time(at),
        "direction": "incoming" if message.role is Role.CUSTOMER else "outgoing",
    }  # fmt: skip
    told = {"kind": kind if kind != "message" else "", "mcs": "" if message.mcs is None else str(message.mcs)}
    custom = [{"name": name, "value": value} for name, value in told.items() if value]
    edits = [
        {"participant": sender, "timestamp": _time(former.until), "previous": former.message.text, "new": message.text}
        for former in formers
        if former.until >= at
    ]
    return event | ({"custom": custom} if custom else {}) | ({"edits": edits} if edits else {})


def _steps(transcript: Transcript, members: _Members) -> list[tuple[str, str, str]]:
    """When who joined or left, as far as it is known: (time, join or leave, participant)."""
    kinds = {"joined": "join", "left": "leave"}
    named = {f"{person.name} ({person.role.value}) {verb}": f"{person.role.value}/{person.name}"
             for person in transcript.metadata.agents for verb in kinds}  # fmt: skip
    return [
        (_time(event.at), kinds[event.kind], members.named(named[event.text]))
        for event in transcript.events
        if event.at and event.kind in kinds and event.text in named
    ]


def _with_steps(events: list[Event], steps: list[tuple[str, str, str]], conversation: str) -> list[Event]:
    """Events with those who joined before they spoke and left after it, within the time of these events."""
    begin, end = events[0]["timestamp"], events[-1]["timestamp"]
    found: list[Event] = []
    for id_ in dict.fromkeys(event["participant"] for event in events):
        spoken = [event["timestamp"] for event in events if event["participant"] == id_]
        joined = [at for at, kind, who in steps if (kind, who) == ("join", id_) and begin < at <= spoken[0]]
        left = [at for at, kind, who in steps if (kind, who) == ("leave", id_) and spoken[-1] < at <= end]
        found += [_step("join", at, id_, conversation) for at in joined[:1]]
        found += [_step("leave", at, id_, conversation) for at in left[-1:]]
    order = {"join": 0, "leave": 2}
    return sorted([*events, *found], key=lambda event: (event["timestamp"], order.get(event["type"], 1)))


def _step(kind: str, at: str, id_: str, conversation: str) -> Event:
    return {"type": kind, "participant": id_, "conversation": conversation, "timestamp": at}


def _mail(item: Item, transcript: Transcript, members: _Members, events: list[Event], head: str) -> bytes:
    """The file: a mail whose one attachment is the archive with the manifest."""
    took_part = {_BRAND, *(event["participant"] for event in events)}
    people = [person for id_, person in members.listed.items() if id_ in took_part]
    begin, end = events[0]["timestamp"], events[-1]["timestamp"]
    mail = EmailMessage(policy=SMTP)
    names = "; ".join(_one_line(person["display"]) for person in people)
    headers = {
        "X-RSMF-Version": _VERSION, "X-RSMF-Generator": f"archiver {__version__}", "X-RSMF-BeginDate": begin,
        "X-RSMF-EndDate": end, "X-RSMF-EventCount": str(len(events)), "X-RSMF-Application": "LivePerson",
        "X-RSMF-Custodian": _one_line(members.listed[_BRAND]["display"]), "X-RSMF-Participants": names,
        "X-RSMF-AttachmentCount": "0", "X-RSMF-EventCollectionID": _one_line(item.id),
        "X-RSMF-LedgerRoot": head, "X-RSMF-VaultEntry": str(item.record.seq),
    }  # fmt: skip
    mail["From"] = f"{_BRAND}@liveperson.invalid"
    mail["To"] = ", ".join(f"p{number}@liveperson.invalid" for number in range(len(people)))
    mail["Subject"] = f"LivePerson conversation {_one_line(item.id)} {begin[:10]}"
    mail["Date"] = format_datetime(datetime.fromisoformat(begin))
    for name, value in headers.items():
        mail[name] = value
    mail.set_content("\n".join(_line(event, members) for event in events), cte="base64")  # no line is a boundary
    manifest = encode(_manifest(item, transcript, people, events))
    mail.add_attachment(_zip(manifest), maintype="application", subtype="zip", filename="rsmf.zip")
    mail.set_boundary(f"archiver-{item.record.seq}")
    return mail.as_bytes()


def _manifest(item: Item, transcript: Transcript, people: list[Event], events: list[Event]) -> Event:
    metadata = transcript.metadata
    told = {
        "skill": metadata.skill, "agent group": metadata.group, "source": metadata.source,
        "close reason": metadata.close_reason, "csat": metadata.csat, "mcs": metadata.mcs,
        "vault entry": item.record.seq, "fetched at": item.record.fetched_at,
    }  # fmt: skip
    custom = [{"name": name, "value": f"{value}"} for name, value in told.items() if value not in (None, "")]
    joining = {event["participant"] for event in events if event["type"] == "join"}
    conversation = {
        "id": transcript.id, "platform": "liveperson", "type": "channel", "custodian": _BRAND,
        "display": f"LivePerson conversation {transcript.id}",
        "participants": [person["id"] for person in people if person["id"] not in joining],
        "custom": custom,
    }  # fmt: skip
    return {
        "version": _VERSION, "participants": people, "conversations": [conversation], "events": events,
        "eventcollectionid": transcript.id,
    }  # fmt: skip


def _zip(manifest: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("rsmf_manifest.json", _ZIP_DATE), manifest)
    return made.getvalue()


def _line(event: Event, members: _Members) -> str:
    """An event in the mail's text, which is what a plain search of it finds."""
    said = event.get("body", {"join": "joined", "leave": "left"}.get(event["type"]))
    return f"{event['timestamp']} {members.listed[event['participant']]['display']}: {said}"


def _time(at: datetime) -> str:
    return iso(at.astimezone(UTC)) or ""


def _fetched(item: Item) -> datetime:
    at = datetime.fromisoformat(item.record.fetched_at)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200] or "unknown"
