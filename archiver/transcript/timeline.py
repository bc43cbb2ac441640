"""Reads events beside the messages: transfers, people joining and leaving, surveys, the close. Pure and total."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.model import Dialog, Event
from archiver.rawrecord import items, moment, name_of, section, text_of
from archiver.transcript.participants import agent


def events(record: dict[str, Any]) -> tuple[Event, ...]:
    """In order of time; events without a time come last."""
    return tuple(sorted(_events(record), key=lambda event: (event.at is None, event.at)))


def _events(record: dict[str, Any]) -> Iterator[Event]:
    for item in items(record, "transfers"):
        yield Event(moment(item, "time"), "transfer", _transfer(item))
    for name, verb in (("agentParticipants", "joined"), ("agentParticipantsLeave", "left")):
        for item in items(record, name):
            person = agent(item, "agent")
            if person:
                yield Event(moment(item, "time"), verb, f"{person.name} ({person.role}) {verb}")
    for item in items(record, "skillChanges"):
        yield Event(moment(item, "time"), "skill", f"skill changed to {name_of(item.get('skillName')) or 'unknown'}")
    for item in items(section(record, "coBrowseSessions"), "coBrowseSessionsList"):
        yield Event(
            moment(item, "startTime"), "cobrowse", f"co-browsing started ({text_of(item.get('type')) or 'unknown'})"
        )
    for item in items(record, "dialogs"):
        if item.get("dialogType") != "MAIN":
            yield Event(moment(item, "startTime"), "survey", "survey started")
    yield from _close(section(record, "info"))


def dialogs(record: dict[str, Any]) -> tuple[Dialog, ...]:
    """The main dialog and the surveys after it, as LivePerson lists them."""
    return tuple(
        Dialog(
            id=text_of(item.get("dialogId")),
            type=text_of(item.get("dialogType")),
            status=text_of(item.get("status")),
            channel=text_of(item.get("dialogChannelType")),
            skill=name_of(item.get("skillName")),
            started_at=moment(item, "startTime"),
            ended_at=moment(item, "endTime"),
            close_reason=text_of(item.get("closeReason")),
        )
        for item in items(record, "dialogs")
    )


def _transfer(item: dict[str, Any]) -> str:
    source = name_of(item.get("sourceAgentFullName")) or name_of(item.get("sourceSkillName")) or "unknown"
    skill, agent = name_of(item.get("targetSkillName")), name_of(item.get("assignedAgentFullName"))
    target = " / ".join(part for part in (skill, agent) if part) or "unknown"
    reason = text_of(item.get("reason"))
    return f"transfer from {source} to {target}" + (f" ({reason})" if reason else "")


def _close(info: dict[str, Any]) -> Iterator[Event]:
    closed_at = moment(info, "conversationEndTime") or moment(info, "endTime")
    if info.get("status") != "OPEN" and closed_at:
        reason = ", ".join(
            filter(None, (text_of(info.get("closeReason")), text_of(info.get("closeReasonDescription"))))
        )
        yield Event(closed_at, "close", "conversation closed" + (f" ({reason})" if reason else ""))
