"""When to look again: at a conversation that may still change, and at a window that was proven complete. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from archiver.archive.versions import Change, latest_moment
from archiver.jsontext import decode
from archiver.model import Conversation, Window
from archiver.windows import NEVER, RETENTION_MONTHS, months_before

SOONEST_RECHECK, LATEST = timedelta(minutes=15), timedelta(hours=24)
_SETTLES = (timedelta(hours=2), timedelta(hours=24))  # SDEs and surveys still arrive after the end
_CHECKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))


@dataclass(frozen=True, slots=True)
class Recheck:
    """Why a conversation is to be looked at again, and when."""

    reason: str
    due: datetime


def next_recheck(conversation: Conversation, change: Change, since: datetime, now: datetime) -> Recheck | None:
    """After a read at `now` whose content was first seen at `since`; None if nothing more is expected of it.

    An open or cut conversation is looked at after as long as nothing has happened in it, from 15 minutes to a day; a
    closed one two hours and a day after its end; one that says less than before, after a quarter of an hour.
    """
    if change in (Change.STALE, Change.FEWER_MESSAGES) and now - since < SOONEST_RECHECK:
        return Recheck("less", since + SOONEST_RECHECK)
    if conversation.is_open or conversation.is_partial:
        return Recheck("open" if conversation.is_open else "partial", now + _quiet(conversation.raw, now))
    if conversation.ended_at is None or conversation.ended_at > now + LATEST:  # no time that can be meant
        return None
    due = [conversation.ended_at + after for after in _SETTLES if now < conversation.ended_at + after]
    return Recheck("settling", due[0]) if due else None


def _quiet(raw: bytes, now: datetime) -> timedelta:
    """How long nothing has happened, within bounds."""
    try:
        record = decode(raw)
    except ValueError:
        return SOONEST_RECHECK
    latest = latest_moment(record) if isinstance(record, dict) else None
    return min(max(now - latest, SOONEST_RECHECK), LATEST) if latest else LATEST


def next_check(window: Window, now: datetime, checks: int) -> datetime:
    """When to ask whether LivePerson still announces as many for a window, after as many checks: ever more rarely.

    Once more when its last month begins in which LivePerson has it whole; after that never.
    """
    last = _last_chance(window)
    return min(now + _CHECKS[min(checks, len(_CHECKS) - 1)], last) if now < last else NEVER


def is_last_chance(window: Window, now: datetime) -> bool:
    return now >= _last_chance(window)


def _last_chance(window: Window) -> datetime:
    return months_before(window.start, 1 - RETENTION_MONTHS)
