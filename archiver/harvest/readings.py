"""What the ledger is told of a window that was read: a line for each day of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from archiver import windows
from archiver.archive import WindowReading, WindowState
from archiver.harvest.tally import WindowTally, digest
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.value import replace

_log = EventLogger("harvest")


def readings_of(
    window: Window, tally: WindowTally, now: datetime, *, without: Iterable[Window] = (), content: str = ""
) -> Iterator[WindowReading]:  # fmt: skip
    """The readings of a window at `now`; of each day by itself if it is longer, because what is proven of the whole is
    proven of each day. New entries count with the first day. Parts of other windows are left out. `content` names the
    requested sections.
    """
    pieces = windows.subtract(window, without)
    is_wide = windows.is_wide(window)
    parts = (part for piece in pieces for part in (windows.plan(piece) if is_wide else (piece,)))
    for number, part in enumerate(parts):
        reading = _reading(part, tally, now, content, is_part=part != window)
        yield replace(reading, new=0) if number else reading


def _reading(part: Window, tally: WindowTally, now: datetime, content: str, *, is_part: bool) -> WindowReading:
    """LivePerson's count of a part is not known: as many are expected as arrived, with those of the overlaps, which a
    check of the part counts, too.
    """
    inside = tally.inside & tally.started_in(part) if is_part else tally.inside
    seen = len(tally.started_in(windows.widen(part)) if is_part else tally.ids)
    is_unsettled = part.end > (tally.asked_at or now) - windows.SETTLE
    state = WindowState.PROVISIONAL if is_unsettled else WindowState.SEALED
    return WindowReading(
        window=part,
        state=WindowState.UNPROVEN if tally.reason else state,
        expected=seen if is_part else tally.announced,
        seen=seen,
        inside=len(inside),
        new=tally.new,
        content=content,
        reason=tally.reason,
        ids=digest(inside),
    )


def note_readings(readings: Iterable[WindowReading]) -> None:
    """Logs readings that were recorded."""
    for reading in readings:
        _log.info(
            "window.recorded", f"{reading.window} is {reading.state}", window=reading.window, state=reading.state,
            expected=reading.expected, seen=reading.seen, new=reading.new, reason=reading.reason,
        )  # fmt: skip
