"""What is wrong with the harvest of an account, and how bad it is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from archiver.errors import (
    ArchiveBusy,
    ArchiveError,
    ArchiverError,
    AuthError,
    BadAnswer,
    IntegrityError,
    Locked,
    PermissionMissing,
    RateLimited,
    SourceUnavailable,
    Unproven,
    counted,
)
from archiver.service.state import ArchiveCounts, LaneState, Snapshot
from archiver.value import Value

ABOUT_TO_BE_LOST_HOURS = 48
READ_WITHIN = timedelta(minutes=30)  # the lane that reads expiring gaps took a step this recently, or is being started
INDEX_WITHIN = timedelta(minutes=10)  # the greatest normal delay of the index; also the first contact with it
# Errors of a lane for which a person has to act, and errors that everything may wait for without one.
_FOR_A_PERSON = frozenset(
    kind.code for kind in (AuthError, PermissionMissing, ArchiveError, IntegrityError, Locked, ArchiverError)
)
_PASSING = frozenset(kind.code for kind in (SourceUnavailable, RateLimited, BadAnswer, Unproven, ArchiveBusy))


class Level(StrEnum):
    """Health, from good to bad. Red: a person has to act."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class Trouble(Value):
    """One thing that is not as it should be, in words."""

    level: Level
    what: str


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; green if there are none."""
    order = list(Level)
    return max(levels, key=order.index, default=Level.GREEN)


def level_of(state: Snapshot, now: datetime) -> Level:
    """The worst of all troubles."""
    return worst(trouble.level for trouble in troubles(state, now))


def troubles(state: Snapshot, now: datetime) -> Iterator[Trouble]:
    """Everything that is wrong with the harvest of an account."""
    yield from _of_the_service(state, now)
    for name, lane in state.lanes.items():
        if lane.error:
            yield Trouble(Level.RED if lane.code in _FOR_A_PERSON else Level.YELLOW, f"{name}: {lane.error}")
    if state.archive.error:
        yield Trouble(Level.RED, f"the archive can't be read: {state.archive.error}")
    if state.archive.counts:
        yield from _of_coverage(state, state.archive.counts, now)
        yield from _of_the_archive(state.archive.counts)
    yield from _of_the_index(state, now)


def _of_the_service(state: Snapshot, now: datetime) -> Iterator[Trouble]:
    if state.ended:
        yield Trouble(Level.RED, f"this account is not harvested any more: {state.ended}")
    if pause := state.pause:
        times = f"tried {counted(pause.attempts, 'time')} since {pause.since:%Y-%m-%d %H:%M} UTC"
        hint = f" {pause.hint}" if pause.hint else ""
        what = f"everything waits: {pause.error}; {times}, again at {pause.retry_at:%H:%M} UTC.{hint}"
        yield Trouble(Level.YELLOW if pause.code in _PASSING else Level.RED, what)
    if state.lease_error:
        yield Trouble(Level.RED, f"the lease can't be renewed: {state.lease_error}")
    if state.lag(now) > state.fresh_within:
        yield Trouble(Level.RED, f"nothing new from LivePerson for {state.lag(now).total_seconds() / 60:,.0f} minutes")
    if not state.is_alive(now):
        yield Trouble(Level.RED, "the harvest makes no progress")
    if state.clock:
        yield Trouble(Level.YELLOW, f"no window can be proven complete: {state.clock} (archiver doctor)")


def _of_coverage(state: Snapshot, counts: ArchiveCounts, now: datetime) -> Iterator[Trouble]:
    if counts.lost:
        yield Trouble(Level.RED, f"{counts.lost} spans were lost to LivePerson's retention (archiver coverage --gaps)")
    if counts.unproven:
        yield Trouble(Level.YELLOW, f"{counts.unproven} spans are not proven complete (archiver coverage --gaps)")
    if _is_soon(counts.unproven_hours_left):
        what = f"a span that is not proven complete is lost in {counts.unproven_hours_left:.0f} hours"
        yield Trouble(Level.RED, f"{what} (archiver coverage --gaps)")
    elif _is_soon(counts.hours_left):
        is_read = _is_working(state.lanes.get("expiring", LaneState()), state.started_at, now)
        words = "and is being read" if is_read else "and is not being read"
        what = f"a span that was never read is lost in {counts.hours_left:.0f} hours, {words}"
        yield Trouble(Level.YELLOW if is_read else Level.RED, what)


def _is_soon(hours: float | None) -> bool:
    return hours is not None and hours < ABOUT_TO_BE_LOST_HOURS


def _is_working(lane: LaneState, started_at: datetime, now: datetime) -> bool:
    return lane.error is None and now - (lane.done_at or started_at) < READ_WITHIN


def _of_the_archive(counts: ArchiveCounts) -> Iterator[Trouble]:
    if counts.pending_erasures:
        verb = "waits" if counts.pending_erasures == 1 else "wait"
        pending = counted(counts.pending_erasures, "erasure")
        yield Trouble(Level.YELLOW, f"{pending} {verb} for a decision (archiver erasures)")


def _of_the_index(state: Snapshot, now: datetime) -> Iterator[Trouble]:
    index = state.index
    if index.error:
        yield Trouble(Level.YELLOW, f"the index: {index.error}")
    if is_index_late(state, now):
        yield Trouble(Level.YELLOW, f"the index: {_behind(state)}")
    if index.refused:
        what = f"{counted(index.refused, 'conversation')} refused by the index (archiver store status)"
        yield Trouble(Level.YELLOW, what)


def entries_behind(state: Snapshot) -> int | None:
    """How many vault entries the index lacks; None if that is not known, or the index is of another history."""
    counts, applied = state.archive.counts, state.index.applied
    if counts is None or applied is None or (applied > counts.head and state.index.error):
        return None
    return max(counts.head - applied, 0)


def is_index_late(state: Snapshot, now: datetime) -> bool:
    """Whether the index has lacked entries, or not answered, for longer than is normal."""
    is_late = now - (state.index.caught_up_at or state.started_at) >= INDEX_WITHIN
    has_archive = state.archive.counts is not None or state.archive.error is not None
    return is_late and has_archive and entries_behind(state) != 0


def _behind(state: Snapshot) -> str:
    behind, counts = entries_behind(state), state.archive.counts
    if state.index.rebuilt is not None:
        return f"it is being rebuilt; {state.index.rebuilt:,} conversations are in the new one"
    if behind is None or counts is None:
        return "it has not answered yet, so how far it is is not known"
    return f"{behind:,} of {counts.head:,} entries behind"
