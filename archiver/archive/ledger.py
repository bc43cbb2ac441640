"""The archive's record of which windows were read and how completely, and of what is to be looked up again. Reads only.

Part of the archive's SQLite file, so that keeping a page and recording what it covers is one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from archiver.jsontext import canonical, encode
from archiver.model import Window, from_ms, to_ms
from archiver.windows import NEVER, NOTED_SKEW, describe_skew

_RECORDED = (
    "SELECT start_ms, end_ms, state, expected, seen, inside, new, content, reason, ids, vault_head, certificate,"
    " checks, coalesce((SELECT fetched_at FROM entries WHERE state = 'sealed' AND seq = certificate), read_at)"
    " FROM windows"
)
ROWS = (
    "SELECT start_ms, end_ms, state, reason, expected, seen, inside, new, read_at, run, content, vault_head, ids,"
    " certificate, digest FROM windows"
)


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


@dataclass(frozen=True, slots=True)
class WindowReading:
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


@dataclass(frozen=True, slots=True)
class RecordedWindow:
    """A reading as stored in the ledger. `certificate` is the entry of the chain that states the same. `checks` counts
    how often LivePerson's present count was compared with it since. `recorded_at`: when it was recorded, for a proof by
    the chain; None if that is not readable.
    """

    reading: WindowReading
    vault_head: int
    certificate: int | None
    checks: int
    recorded_at: datetime | None


def claim(reading: WindowReading) -> dict[str, Any]:
    """What the chain states about a sealed window."""
    return {
        "start": reading.window.start.isoformat(), "end": reading.window.end.isoformat(), "expected": reading.expected,
        "seen": reading.seen, "inside": reading.inside, "ids": reading.ids, "content": reading.content,
    }  # fmt: skip


def row_digest(row: Sequence[object]) -> str:
    """SHA-256 of the canonical JSON of a row of `windows`, in hexadecimal."""
    return hashlib.sha256(canonical(list(row))).hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """One harvest. An interrupted run is resumed: windows that it sealed since `started_at` are not read again."""

    id: int
    started_at: datetime


class Ledger:
    """Reads only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    # ── windows ──

    def recorded(self) -> Iterator[RecordedWindow]:
        """Every window as it was last read, oldest first."""
        return self._recorded("")

    def readings(self) -> Iterator[WindowReading]:
        """The readings of all windows, oldest first."""
        return (item.reading for item in self.recorded())

    def sealed(self, run: Run | None = None) -> list[Window]:
        """The windows that were proven complete, all or those of one run, oldest first."""
        run_id = run.id if run else None
        rows = self._connection.execute(
            "SELECT start_ms, end_ms FROM windows WHERE state = ? AND (? IS NULL OR run = ?) ORDER BY start_ms",
            (WindowState.SEALED, run_id, run_id),
        )
        return [Window(from_ms(start), from_ms(end)) for start, end in rows]

    def all_sealed(self) -> list[RecordedWindow]:
        """Every window that was proven complete, as recorded, oldest first."""
        return list(self._recorded(" WHERE state = ?", WindowState.SEALED))

    def sealed_within(self, window: Window) -> list[RecordedWindow]:
        """Sealed windows inside a window, which are replaced when it is recorded."""
        where = " WHERE state = ? AND start_ms >= ? AND end_ms <= ?"
        return list(self._recorded(where, WindowState.SEALED, to_ms(window.start), to_ms(window.end)))

    def sealed_touching(self, window: Window) -> list[RecordedWindow]:
        """Sealed windows that lie inside a window or contain it."""
        start, end = to_ms(window.start), to_ms(window.end)
        where = " WHERE state = ? AND ((start_ms >= ? AND end_ms <= ?) OR (start_ms <= ? AND end_ms >= ?))"
        return list(self._recorded(where, WindowState.SEALED, start, end, start, end))

    def is_sealed(self, window: Window) -> bool:
        """Whether a window lies inside one that was proven complete."""
        row = self._connection.execute(
            "SELECT 1 FROM windows WHERE state = ? AND start_ms <= ? AND end_ms >= ?",
            (WindowState.SEALED, to_ms(window.start), to_ms(window.end)),
        ).fetchone()
        return row is not None

    def unproven(self) -> list[tuple[Window, str]]:
        """The windows that were read and not proven complete, with the reason, oldest first."""
        rows = self._connection.execute(
            "SELECT start_ms, end_ms, reason FROM windows WHERE state = ? ORDER BY start_ms", (WindowState.UNPROVEN,)
        )
        return [(Window(from_ms(start), from_ms(end)), reason or "unknown") for start, end, reason in rows]

    def count_provisional(self) -> int:
        """How many windows are read completely but too recent to be sealed."""
        return self._count("SELECT count(*) FROM windows WHERE state = ?", WindowState.PROVISIONAL)

    def due_for_check(self, now: datetime) -> RecordedWindow | None:
        """The sealed window whose count is to be compared with LivePerson's next, if one is due."""
        where = " WHERE state = ? AND due_at <= ? AND due_at = (SELECT min(due_at) FROM windows WHERE state = ?)"
        return next(self._recorded(where, WindowState.SEALED, now.isoformat(), WindowState.SEALED), None)

    def altered(self) -> Iterator[str]:
        """The rows of windows that were altered after they were written, by their start and end in milliseconds."""
        for row in self._connection.execute(ROWS):
            if row_digest(row[:-1]) != row[-1]:
                yield f"{row[0]} .. {row[1]}"

    def _recorded(self, where: str, *values: object) -> Iterator[RecordedWindow]:
        rows = self._connection.execute(f"{_RECORDED}{where} ORDER BY start_ms, end_ms", values)
        for start, end, state, *rest in rows:
            reading = WindowReading(Window(from_ms(start), from_ms(end)), _state(state), *rest[:7])
            vault_head, certificate, checks, recorded_at = rest[7:]
            yield RecordedWindow(reading, vault_head, certificate, checks, _moment(recorded_at))

    # ── runs and bookmarks ──

    def last_finished(self) -> datetime | None:
        """When a harvest last finished, or a continuous one was last up to date."""
        (moment,) = self._connection.execute(
            "SELECT max(at) FROM (SELECT finished_at AS at FROM runs UNION SELECT at FROM bookmarks WHERE name = ?)",
            (Bookmark.TAILED,),
        ).fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def first_begun(self) -> datetime | None:
        """When the first harvest into this archive began."""
        (moment,) = self._connection.execute("SELECT min(started_at) FROM runs").fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def bookmark(self, name: Bookmark) -> datetime | None:
        """The moment stored under a name; None if there is none yet."""
        row = self._connection.execute("SELECT at FROM bookmarks WHERE name = ?", (name,)).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

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
        off at the last contact, and never before that contact.
        """
        theirs, skew = self.bookmark(Bookmark.THEIR_TIME), self.skew()
        if theirs is None or skew is None:
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
        return {id_: datetime.fromisoformat(latest_at) for id_, latest_at in rows}

    def _count(self, query: str, *values: object) -> int:
        (count,) = self._connection.execute(query, values).fetchone()
        return int(count)


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
