"""When a conversation that may still change is looked up again, and when a proven window is checked again. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from archiver.archive.versions import Change
from archiver.model import Window
from archiver.rawrecord import is_true, moment
from archiver.received import Conversation
from archiver.value import Value
from archiver.windows import NEVER, RETENTION_MONTHS, months_before

SOONEST_RECHECK, LATEST_RECHECK = timedelta(minutes=15), timedelta(hours=24)
_AFTER_END = (timedelta(hours=2), timedelta(hours=24))  # SDEs and surveys still arrive after the end
_CHECKS = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
LATEST_DUE = LATEST_RECHECK + _AFTER_END[-1] + timedelta(days=1)  # no look-up is due later, and a day's margin


class Recheck(Value):
    """Why a conversation is to be looked up again, and when."""

    reason: str
    due: datetime


def next_recheck(
    conversation: Conversation, change: Change, since: datetime, now: datetime, latest_at: datetime | None
) -> Recheck | None:
    """The next look-up after a read at `now` whose content was first seen at `since`; None if no change is expected.

    An open or truncated conversation is looked up again after as long as it was quiet since `latest_at`, from 15
    minutes to a day; a closed one two hours and a day after its end; one with fewer messages than before, after 15
    minutes.
    """
    if change in (Change.STALE, Change.FEWER_MESSAGES) and abs(now - since) < SOONEST_RECHECK:
        return Recheck("less", since + SOONEST_RECHECK)
    if conversation.is_open or conversation.is_partial:
        quiet = min(max(now - latest_at, SOONEST_RECHECK), LATEST_RECHECK) if latest_at else LATEST_RECHECK
        return Recheck("open" if conversation.is_open else "partial", now + quiet)
    if conversation.ended_at is None or conversation.ended_at > now + LATEST_RECHECK:  # no plausible end
        return None
    due = [conversation.ended_at + after for after in _AFTER_END if now < conversation.ended_at + after]
    return Recheck("settling", due[0]) if due else None


def next_check(window: Window, now: datetime, checks: int) -> datetime:
    """When to compare a sealed window with LivePerson's present count after so many checks: at growing intervals.

    The last time is when the last month begins in which LivePerson keeps all of it; NEVER after that.
    """
    last = _last_chance(window)
    return min(now + _CHECKS[min(checks, len(_CHECKS) - 1)], last) if now < last else NEVER


def is_last_chance(window: Window, now: datetime) -> bool:
    """Whether the last month has begun in which LivePerson keeps the whole window."""
    return now >= _last_chance(window)


def youngest_without_checks(now: datetime) -> datetime:
    """No window that starts later had its last check yet; with a margin for months of different lengths."""
    return months_before(now, RETENTION_MONTHS - 1) + timedelta(days=3)


def may_still_change(info: dict[str, Any], now: datetime) -> bool:
    """Whether a record has to be on the list of look-ups, by its `info`: if it is open, truncated or ended recently."""
    ended = moment(info, "endTime")
    return info.get("status") != "CLOSE" or is_true(info.get("isPartial")) or ended is None or ended > now - LATEST_DUE


def _last_chance(window: Window) -> datetime:
    return months_before(window.start, 1 - RETENTION_MONTHS)
