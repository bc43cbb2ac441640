"""The archive's record of which windows were read and how completely, and of what is to be looked up again. Reads only.

Part of the archive's SQLite file, so that keeping a page and recording what it covers is one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

from archiver.archive.stored import is_credible_contact, newest_entry_at, stored_moment, stored_window
from archiver.jsontext import canonical, encode
from archiver.model import EPOCH, Window, to_ms
from archiver.value import Value
from archiver.windows import NEVER, NOTED_SKEW, describe_skew

ROWS = (
    "SELECT start_ms, end_ms, state, reason, expected, seen, inside, new, read_at, run, content, vault_head, ids,"
    " certificate, digest FROM windows"
)
_RECORDED = (  # the rows, how often each was checked, and when its certificate was made
    "SELECT start_ms, end_ms, state, reason, expected, seen, inside, new, read_at, run, content, vault_head, ids,"
    " certificate, digest, checks, (SELECT fetched_at FROM entries WHERE state = 'sealed' AND seq = certificate)"
    " FROM windows"
)
_KEPT_ROWS = 65_536  # with the result of their check: every answer reads all windows, and few change
_ALTERED = "its row in the ledger was changed after it was written: archiver verify"


class WindowState(StrEnum):
    """How completely a window was read."""

    SEALED = "sealed"  # proven complete
    PROVISIONAL = "provisional"  # read completely, but so recent that records may still arrive
    UNPROVEN = "unproven"  # read, and not proven complete


class Bookmark(StrEnum):
    """Moments that are remembered between runs."""

    TARGET = "target"  # conversations that started since then are to be covered
    TAILED = "tailed"  # the newest conversations were read up to then
    SWEPT = "swept"  # all changes were read up to then
    THEIR_TIME = "their_time"  # LivePerson's time at the last contact
    OUR_TIME = "our_time"  # this machine's time at the same moment


class WindowReading(Value):
    """How a window was read: what LivePerson announced, what was received, how much of it started inside, how much was
    new. `ids` is the digest of the sorted ids inside; `content` names the requested sections.
    """

    window: Window
    state: WindowState
    expected: int
    seen: int
    inside: int
    new: int
    content: str
    reason: str | None = None
    ids: str = ""

    @property
    def announced(self) -> int:
        """How many conversations LivePerson announced inside the window: without those from the overlaps."""
        return self.expected - (self.seen - self.inside)


class RecordedWindow(Value):
    """A reading as stored in the ledger. `certificate` is the entry of the chain that states the same. `checks` counts
    how often LivePerson's present count was compared with it since. `recorded_at`: when it was recorded, for a proof by
    the chain; `read_at`: when it was last read. None if that is not readable.
    """

    reading: WindowReading
    vault_head: int
    certificate: int | None
    checks: int
    recorded_at: datetime | None
    read_at: datetime | None


def claim(reading: WindowReading) -> dict[str, Any]:
    """What the chain states about a sealed window."""
    return {
        "start": reading.window.start.isoformat(), "end": reading.window.end.isoformat(), "expected": reading.expected,
        "seen": reading.seen, "inside": reading.inside, "ids": reading.ids, "content": reading.content,
    }  # fmt: skip


def is_certified(reading: WindowReading, before: Sequence[RecordedWindow]) -> bool:
    """Whether the chain already states exactly this."""
    return len(before) == 1 and before[0].certificate is not None and claim(before[0].reading) == claim(reading)


def row_digest(row: Sequence[object]) -> str:
    """SHA-256 of the canonical JSON of a row of `windows`, in hexadecimal."""
    return hashlib.sha256(canonical(list(row))).hexdigest()


def is_altered(row: Sequence[Any]) -> bool:
    """Whether a row of `ROWS` was altered after it was written, or bounds no window."""
    return row_digest(row[:-1]) != row[-1] or not stored_window(row[0], row[1])


class Run(Value):
    """One harvest. An interrupted run is resumed: windows that it sealed since `started_at` are not read again."""

    id: int
    started_at: datetime


class Ledger:
    """Reads only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def recorded(self, *, is_checked: bool = True) -> Iterator[RecordedWindow]:
        """Every window as it was last read, oldest first. A row that was altered after it was written proves nothing:
        its window counts as unproven, unless `is_checked` is false (formats before 3 had no digests).
        """
        return self._recorded("", is_checked=is_checked)

    def holding(self, moment_ms: int) -> Iterator[RecordedWindow]:
        """The windows that hold a moment, as they were last read, oldest first."""
        return self._recorded(" WHERE start_ms <= ? AND end_ms > ?", moment_ms, moment_ms)

    def readings(self) -> Iterator[WindowReading]:
        """The readings of all windows, oldest first."""
        return (item.reading for item in self.recorded())

    def sealed(self, run: Run | None = None) -> list[Window]:
        """The windows that were proven complete, all or those of one run, oldest first."""
        run_id, since = (run.id, run.started_at.isoformat()) if run else (None, "")
        where = " WHERE state = ? AND (? IS NULL OR run = ? AND read_at >= ?)"
        return [item.reading.window for item in self._sealed(where, run_id, run_id, since)]

    def all_sealed(self) -> list[RecordedWindow]:
        """Every window that was proven complete, as recorded, oldest first."""
        return list(self._recorded(" WHERE state = ?", WindowState.SEALED))

    def sealed_within(self, window: Window) -> list[RecordedWindow]:
        """Sealed windows inside a window, which are replaced when it is recorded."""
        where = " WHERE state = ? AND start_ms >= ? AND end_ms <= ?"
        return list(self._sealed(where, to_ms(window.start), to_ms(window.end)))

    def sealed_touching(self, window: Window) -> list[RecordedWindow]:
        """Sealed windows that have any time in common with a window."""
        where = " WHERE state = ? AND start_ms < ? AND end_ms > ?"
        return list(self._sealed(where, to_ms(window.end), to_ms(window.start)))

    def is_sealed(self, window: Window) -> bool:
        """Whether a window lies inside one that was proven complete."""
        where = " WHERE state = ? AND start_ms <= ? AND end_ms >= ?"
        return any(self._sealed(where, to_ms(window.start), to_ms(window.end)))

    def unproven(self) -> list[tuple[Window, str]]:
        """The windows that were read and not proven complete, with the reason, oldest first."""
        return [
            (reading.window, reading.reason or "unknown")
            for reading in self.readings()
            if reading.state is WindowState.UNPROVEN
        ]

    def count_provisional(self) -> int:
        """How many windows are read completely but too recent to be sealed."""
        return sum(reading.state is WindowState.PROVISIONAL for reading in self.readings())

    def due_for_check(self, now: datetime) -> RecordedWindow | None:
        """The sealed window whose count is to be compared with LivePerson's next, if one is due."""
        where = " WHERE state = ? AND due_at <= ?"
        return next(self._sealed(where, now.isoformat(), order="due_at, start_ms"), None)

    def altered(self) -> Iterator[str]:
        """The rows of windows that were altered after they were written, or bound no window, by their start and end in
        milliseconds.
        """
        for row in self._connection.execute(ROWS):
            if is_altered(row):
                yield f"{row[0]} .. {row[1]}"

    def _sealed(self, where: str, *values: object, order: str = "start_ms, end_ms") -> Iterator[RecordedWindow]:
        """The rows that are what was written, among those that a condition selects which begins with the state."""
        rows = self._recorded(where, WindowState.SEALED, *values, order=order)
        return (item for item in rows if item.reading.state is WindowState.SEALED)

    def _recorded(
        self, where: str, *values: object, order: str = "start_ms, end_ms", is_checked: bool = True
    ) -> Iterator[RecordedWindow]:  # fmt: skip
        rows = self._connection.execute(f"{_RECORDED}{where} ORDER BY {order}", values)
        return (item for row in rows if (item := _recorded_window(is_checked, *row)))

    # ── runs and bookmarks ──

    def last_finished(self) -> datetime | None:
        """When a harvest last finished, or a continuous one was last up to date."""
        rows = self._connection.execute(
            "SELECT finished_at FROM runs WHERE finished_at IS NOT NULL UNION SELECT at FROM bookmarks WHERE name = ?",
            (Bookmark.TAILED,),
        )
        return max((moment for (at,) in rows if (moment := stored_moment(at))), default=None)

    def first_begun(self) -> datetime | None:
        """When the first record was archived, by the chain; None for an empty archive. 1970 if that is unreadable."""
        row = self._connection.execute("SELECT fetched_at FROM entries ORDER BY seq LIMIT 1").fetchone()
        return (stored_moment(row[0]) or EPOCH) if row else None

    def bookmark(self, name: Bookmark) -> datetime | None:
        """The moment stored under a name; None if there is none yet, or no readable one."""
        row = self._connection.execute("SELECT at FROM bookmarks WHERE name = ?", (name,)).fetchone()
        return stored_moment(row[0]) if row else None

    def skew(self) -> timedelta | None:
        """How far this machine's clock was ahead of LivePerson's at the last contact; None if there was none yet."""
        theirs, ours = self.bookmark(Bookmark.THEIR_TIME), self.bookmark(Bookmark.OUR_TIME)
        return ours - theirs if theirs and ours else None

    def clock_notice(self) -> str | None:
        """What a reader of dates has to know if this machine's clock was wrong at the last contact; None otherwise."""
        skew = self.skew()
        if skew is None or abs(skew) <= NOTED_SKEW:
            return None
        off = describe_skew(skew)
        return f"this machine's clock was {off} LivePerson's at the last contact; LivePerson's time is used"

    def believed_now(self, local: datetime) -> datetime:
        """LivePerson's time as well as it is known without asking: by this machine's clock, corrected by how far it was
        off at the last contact, and never before that contact, unless what is stored about it can't be true.
        """
        theirs, skew = self.bookmark(Bookmark.THEIR_TIME), self.skew()
        if theirs is None or skew is None or not is_credible_contact(theirs, local, newest_entry_at(self._connection)):
            return local
        return max(theirs, local - skew if abs(skew) > NOTED_SKEW else local)

    # ── conversations to look up again ──

    def watched(self, before: datetime, due_by: datetime | None, limit: int) -> list[str]:
        """Conversations not seen since `before` and due for another look-up by `due_by` (None: whenever they are due),
        the longest unseen first.
        """
        rows = self._connection.execute(
            "SELECT conversation_id FROM watch WHERE seen_at < ? AND due_at <= ?"
            " ORDER BY seen_at, conversation_id LIMIT ?",
            (before.isoformat(), (due_by or NEVER).isoformat(), limit),
        )
        return [row[0] for row in rows]

    def count_watched(self) -> int:
        """How many conversations are to be looked up again."""
        return self._count("SELECT count(*) FROM watch")

    def latest_moments(self, ids: Iterable[str]) -> dict[str, datetime]:
        """The latest moment in each watched conversation when its content last changed, where that is known."""
        rows = self._connection.execute(
            "SELECT conversation_id, latest_at FROM watch WHERE latest_at IS NOT NULL"
            " AND conversation_id IN (SELECT value FROM json_each(?))",
            (encode(list(ids)).decode(),),
        )
        return {id_: moment for id_, latest_at in rows if (moment := stored_moment(latest_at))}

    def _count(self, query: str, *values: object) -> int:
        (count,) = self._connection.execute(query, values).fetchone()
        return int(count)


@lru_cache(_KEPT_ROWS, typed=True)
def _recorded_window(is_checked: bool, *row: Any) -> RecordedWindow | None:
    """What a row of `_RECORDED` says; None if it bounds no window."""
    *kept, digest, checks, sealed_at = row
    window = stored_window(*kept[:2])
    if window is None:
        return None
    if is_checked and row_digest(kept) != digest:
        altered = WindowReading(window, WindowState.UNPROVEN, 0, 0, 0, 0, "", _ALTERED)
        return RecordedWindow(altered, 0, None, 0, None, None)
    _, _, state, reason, expected, seen, inside, new, read_at, _, content, vault_head, ids, certificate = kept
    reading = WindowReading(window, _state(state), expected, seen, inside, new, content, reason, ids)
    moments = stored_moment(sealed_at or read_at), stored_moment(read_at)
    return RecordedWindow(reading, vault_head, certificate, max(checks or 0, 0), *moments)


def _moment(text: str) -> datetime | None:
    """An aware time; None for anything else, which `verify` reports as altered."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _state(text: str) -> WindowState:
    """The state in a row; UNPROVEN for an unknown word."""
    return WindowState(text) if text in tuple(WindowState) else WindowState.UNPROVEN
