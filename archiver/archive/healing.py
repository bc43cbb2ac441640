"""What a wrong clock has left in the ledger: found by LivePerson's time, which is certain, and withdrawn.

Earlier versions of this program believed this machine's clock. One that was ahead made proofs of windows that were not
over, and bookmarks and due dates in the future, behind which nothing was read any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from archiver.archive.bookkeeping import LedgerWriter
from archiver.archive.ledger import Bookmark, Ledger, RecordedWindow, WindowState
from archiver.archive.rechecks import LATEST_RECHECK
from archiver.model import CELL, Window
from archiver.windows import retention

_TOLERANCE = CELL  # by as much two clocks may differ
_LONGEST_DUE = 3 * LATEST_RECHECK  # no look-up is ever due later


def doubt(item: RecordedWindow, now: datetime) -> str | None:
    """Why the reading of a window can't be believed at `now`, LivePerson's time; None if it can be.

    A window can't have been read whole before it was over. A reading from the future was dated by a wrong clock, so
    nothing says when it was really made.
    """
    at, allowed = item.recorded_at, timedelta(0) if item.reading.state is WindowState.SEALED else _TOLERANCE
    if at is None:
        return None
    if item.reading.window.end > at + allowed:
        return f"it was read at {at:%Y-%m-%d %H:%M}, before it had ended"
    if at > now + _TOLERANCE:
        return f"it was read at {at:%Y-%m-%d %H:%M}, which is not yet: this machine's clock was wrong then, or is now"
    return None


def believed(items: Iterator[RecordedWindow], now: datetime) -> Iterator[RecordedWindow]:
    """The readings for which there is no doubt."""
    return (item for item in items if doubt(item, now) is None)


def withdrawn(void: Mapping[Window, str]) -> Iterator[str]:
    """In words, which windows are not proven any more, each with its reason, oldest first."""
    if void:
        (first, reason), last = next(iter(void.items())), list(void)[-1]
        span = f"{first.start:%Y-%m-%d %H:%M} .. {last.end:%Y-%m-%d %H:%M}"
        yield f"{len(void):,} windows in {span} have to be proven again; of the first: {reason}"


def future_bookmarks(ledger: Ledger, now: datetime) -> Iterator[Bookmark]:
    """The bookmarks that lie in the future, so that nothing before them would be read any more."""
    for name in (Bookmark.TARGET, Bookmark.TAILED, Bookmark.SWEPT):
        at = ledger.bookmark(name)
        if at and at > now + _TOLERANCE:
            yield name


def pull_back(ledger: LedgerWriter, now: datetime) -> Iterator[str]:
    """Withdraws readings, bookmarks, runs and due dates from the future, except proofs; what was done, in words."""
    latest = now + _TOLERANCE
    first_begun, has_swept = ledger.first_begun(), ledger.bookmark(Bookmark.SWEPT) is not None
    names = list(future_bookmarks(ledger, now))
    for name in names:
        ledger.remove_bookmark(name)
        yield f"the bookmark {name} was in the future and is withdrawn"
    is_start_unknown = not has_swept and first_begun is not None and first_begun > latest
    if Bookmark.SWEPT in names or is_start_unknown:
        ledger.set_bookmark(Bookmark.SWEPT, retention(now).start)  # every change that LivePerson still knows
    for count, what in (
        (ledger.forget_future_readings(now, latest), "readings of windows"),
        (ledger.date_back_runs(now, latest), "runs"),
        (ledger.date_back_lookups(now, latest, now + _LONGEST_DUE), "look-ups"),
        (ledger.date_back_checks(now), "checks of proven windows"),
    ):
        if count:
            yield f"{count:,} {what} dated in the future are withdrawn or due again"
