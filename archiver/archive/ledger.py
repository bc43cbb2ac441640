"""What the archive claims: windows that were read and how completely, conversations to look at again.

Part of the archive's SQLite file, so that keeping a page and recording what it covers is one transaction.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from archiver.jsontext import canonical
from archiver.model import Window, from_ms, to_ms
from archiver.windows import subtract

_READINGS = (
    "SELECT start_ms, end_ms, state, expected, seen, inside, new, content, reason, ids, vault_head, certificate, checks"
    " FROM windows"
)
_ROWS = (
    "SELECT start_ms, end_ms, state, reason, expected, seen, inside, new, read_at, run, content, vault_head, ids,"
    " certificate, digest FROM windows"
)
SEALED, PROVISIONAL, OPEN = "sealed", "provisional", "open"
TARGET = "target"  # a mark: since when conversations were ever asked for
TAILED, SWEPT = "tailed", "swept"  # marks: up to when the newest ones, and all changes, were asked for
RESUME_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a window was read: what LivePerson announced, what came, what of it lies inside, what was new."""

    window: Window
    state: str
    expected: int
    seen: int
    inside: int
    new: int
    content: str
    reason: str | None = None
    ids: str = ""

    @property
    def announced(self) -> int:
        """How many LivePerson says that there are inside: what it announced, without what came of the overlaps."""
        return self.expected - (self.seen - self.inside)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A reading as the ledger has it. `checks` is how often LivePerson was asked again whether it still holds."""

    reading: Reading
    vault_head: int
    certificate: int | None
    checks: int


def claim(reading: Reading) -> dict[str, Any]:
    """What is said of a sealed window in the vault's chain; `ids` is the digest of the sorted ids inside it."""
    return {
        "start": reading.window.start.isoformat(), "end": reading.window.end.isoformat(), "expected": reading.expected,
        "seen": reading.seen, "inside": reading.inside, "ids": reading.ids, "content": reading.content,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One harvest. A run that was interrupted is taken up again: what it sealed since `started_at` counts."""

    id: int
    started_at: datetime


class Ledger:
    """Writes happen inside `Archive.transaction`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def begin(self, span: Window, now: datetime) -> Run:
        """The unfinished run to take up, if it is younger than a day, or a new one."""
        row = self._connection.execute(
            "SELECT id, started_at FROM runs WHERE finished_at IS NULL AND started_at > ? ORDER BY id DESC LIMIT 1",
            ((now - RESUME_WITHIN).isoformat(),),
        ).fetchone()
        if row:
            return Run(row[0], datetime.fromisoformat(row[1]))
        cursor = self._connection.execute(
            "INSERT INTO runs (start_ms, end_ms, started_at) VALUES (?, ?, ?)",
            (to_ms(span.start), to_ms(span.end), now.isoformat()),
        )
        return Run(int(cursor.lastrowid or 0), now)

    def finish(self, run: Run, now: datetime) -> None:
        self._connection.execute("UPDATE runs SET finished_at = ? WHERE finished_at IS NULL", (now.isoformat(),))

    def last_finished(self) -> datetime | None:
        """When a harvest was last finished, or a continuous one last up to date."""
        (moment,) = self._connection.execute(
            "SELECT max(at) FROM (SELECT finished_at AS at FROM runs UNION SELECT at FROM marks WHERE name = ?)",
            (TAILED,),
        ).fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def first_begun(self) -> datetime | None:
        """When this archive was first harvested into."""
        (moment,) = self._connection.execute("SELECT min(started_at) FROM runs").fetchone()
        return datetime.fromisoformat(moment) if moment else None

    def record(
        self, reading: Reading, *, run: Run | None, now: datetime, vault_head: int, certificate: int | None,
        due: datetime | None,
    ) -> None:  # fmt: skip
        """Replaces what was known about exactly this window and the windows inside it.

        `certificate` is the entry of the chain that says the same; `due`, when LivePerson is asked whether it holds.
        """
        start, end = to_ms(reading.window.start), to_ms(reading.window.end)
        self._connection.execute("DELETE FROM windows WHERE start_ms >= ? AND end_ms <= ?", (start, end))
        row = (
            start, end, reading.state, reading.reason, reading.expected, reading.seen, reading.inside, reading.new,
            now.isoformat(), run.id if run else 0, reading.content, vault_head, reading.ids, certificate,
        )  # fmt: skip
        self._connection.execute(
            "INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (*row, _digest(row), due.isoformat() if due else None),
        )
        if reading.state == SEALED:
            self._forget_covered(start, end)

    def _forget_covered(self, start: int, end: int) -> None:
        """Rows of wider windows that were not proven, and are so in pieces by now."""
        rows = self._connection.execute(
            "SELECT start_ms, end_ms FROM windows WHERE start_ms <= ? AND end_ms >= ? AND state <> ?",
            (start, end, SEALED),
        ).fetchall()
        for key in rows:
            pieces = [item.reading.window for item in self.sealed_within(Window(*map(from_ms, key)))]
            if not list(subtract(Window(*map(from_ms, key)), pieces)):
                self.forget(Window(*map(from_ms, key)))

    def certify(self, window: Window, certificate: int | None, *, due: datetime | None) -> None:
        """Ties a row of an older format to the entry of the chain that says the same, and lets it vouch for itself."""
        key = (to_ms(window.start), to_ms(window.end))
        row = self._connection.execute(f"{_ROWS} WHERE start_ms = ? AND end_ms = ?", key).fetchone()
        self._connection.execute(
            "UPDATE windows SET certificate = ?, digest = ?, due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (certificate, _digest((*row[:-2], certificate)), due.isoformat() if due else None, *key),
        )

    def altered(self) -> Iterator[str]:
        """The rows that are not what was written, by their start and end in milliseconds."""
        for row in self._connection.execute(_ROWS):
            if _digest(row[:-1]) != row[-1]:
                yield f"{row[0]} .. {row[1]}"

    def sealed_within(self, window: Window) -> list[Recorded]:
        """What is called complete in a window and would be replaced with it."""
        where = " WHERE state = ? AND start_ms >= ? AND end_ms <= ?"
        return list(self._recorded(where, SEALED, to_ms(window.start), to_ms(window.end)))

    def is_sealed(self, window: Window) -> bool:
        """Whether the window lies inside one that was proven complete."""
        row = self._connection.execute(
            "SELECT 1 FROM windows WHERE state = ? AND start_ms <= ? AND end_ms >= ?",
            (SEALED, to_ms(window.start), to_ms(window.end)),
        ).fetchone()
        return row is not None

    def sealed(self, run: Run | None = None) -> list[Window]:
        """The windows that were proven complete, all or those of one run."""
        rows = self._connection.execute(
            "SELECT start_ms, end_ms FROM windows WHERE state = ? AND (? IS NULL OR run = ?) ORDER BY start_ms",
            (SEALED, run.id if run else None, run.id if run else None),
        )
        return [Window(from_ms(start), from_ms(end)) for start, end in rows]

    def sealed_touching(self, window: Window) -> list[Recorded]:
        """What is called complete and lies inside a window, or has it inside."""
        start, end = to_ms(window.start), to_ms(window.end)
        where = " WHERE state = ? AND ((start_ms >= ? AND end_ms <= ?) OR (start_ms <= ? AND end_ms >= ?))"
        return list(self._recorded(where, SEALED, start, end, start, end))

    def forget(self, window: Window) -> None:
        """Strikes the row of exactly this window."""
        key = (to_ms(window.start), to_ms(window.end))
        self._connection.execute("DELETE FROM windows WHERE start_ms = ? AND end_ms = ?", key)

    def recorded(self) -> Iterator[Recorded]:
        """Every window as it was last read, oldest first."""
        return self._recorded("")

    def readings(self) -> Iterator[Reading]:
        return (item.reading for item in self.recorded())

    def _recorded(self, where: str, *values: object) -> Iterator[Recorded]:
        rows = self._connection.execute(f"{_READINGS}{where} ORDER BY start_ms, end_ms", values)
        for start, end, *rest in rows:
            yield Recorded(Reading(Window(from_ms(start), from_ms(end)), *rest[:8]), *rest[8:])

    def due_for_check(self, now: datetime) -> Recorded | None:
        """The window called complete that LivePerson is to be asked about next, if one is due."""
        where = " WHERE state = ? AND due_at <= ? AND due_at = (SELECT min(due_at) FROM windows WHERE state = ?)"
        return next(self._recorded(where, SEALED, now.isoformat(), SEALED), None)

    def checked(self, window: Window, due: datetime) -> None:
        """Notes that LivePerson still announces as many for a window, and when to ask again."""
        self._connection.execute(
            "UPDATE windows SET checks = checks + 1, due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (due.isoformat(), to_ms(window.start), to_ms(window.end)),
        )

    def postpone_check(self, window: Window, due: datetime) -> None:
        self._connection.execute(
            "UPDATE windows SET due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (due.isoformat(), to_ms(window.start), to_ms(window.end)),
        )

    def count_provisional(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM windows WHERE state = ?", (PROVISIONAL,)).fetchone()
        return int(count)

    def unproven(self) -> list[tuple[Window, str]]:
        """The windows that were read and not proven complete, with the reason."""
        rows = self._connection.execute(
            "SELECT start_ms, end_ms, reason FROM windows WHERE state = ? ORDER BY start_ms", (OPEN,)
        )
        return [(Window(from_ms(start), from_ms(end)), reason or "unknown") for start, end, reason in rows]

    def watch(self, conversation_id: str, reason: str, *, due: datetime, now: datetime) -> None:
        """Notes that a conversation may still change, that it was seen, and when to look again."""
        self._connection.execute(
            "INSERT OR REPLACE INTO watch VALUES (?, ?, ?, ?)",
            (conversation_id, reason, now.isoformat(), due.isoformat()),
        )

    def watched(self, before: datetime, due_by: datetime, limit: int) -> list[str]:
        """Those that were not seen since `before` and are due, the longest unseen first."""
        rows = self._connection.execute(
            "SELECT conversation_id FROM watch WHERE seen_at < ? AND due_at <= ?"
            " ORDER BY seen_at, conversation_id LIMIT ?",
            (before.isoformat(), due_by.isoformat(), limit),
        )
        return [row[0] for row in rows]

    def unwatch(self, ids: Iterable[str]) -> None:
        """Strikes those that LivePerson does not have any more. What the vault has of them stays."""
        self._connection.executemany("DELETE FROM watch WHERE conversation_id = ?", ((id_,) for id_ in ids))

    def absent(self, ids: Iterable[str], *, due: datetime, now: datetime) -> None:
        """LivePerson does not show those: strikes whoever is absent for the second time. The vault keeps all."""
        for id_ in ids:
            self._connection.execute(
                "DELETE FROM watch WHERE conversation_id = ? AND reason = 'absent' AND seen_at < ?",
                (id_, now.isoformat()),
            )
            self._connection.execute(
                "UPDATE watch SET reason = 'absent', seen_at = ?, due_at = ? WHERE conversation_id = ?",
                (now.isoformat(), due.isoformat(), id_),
            )

    def postpone(self, ids: Iterable[str], *, due: datetime, now: datetime) -> None:
        """Leaves those for later that could not be looked at."""
        self._connection.executemany(
            "UPDATE watch SET seen_at = ?, due_at = ? WHERE conversation_id = ?",
            ((now.isoformat(), due.isoformat(), id_) for id_ in ids),
        )

    def mark(self, name: str, at: datetime) -> None:
        """Notes up to when something was looked at."""
        self._connection.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, at.isoformat()))

    def note_target(self, start: datetime) -> None:
        """Notes since when there is to be coverage, if that is earlier than before."""
        before = self.marked(TARGET)
        if before is None or start < before:
            self.mark(TARGET, start)

    def marked(self, name: str) -> datetime | None:
        row = self._connection.execute("SELECT at FROM marks WHERE name = ?", (name,)).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def count_watched(self) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM watch").fetchone()
        return int(count)


def _digest(row: Sequence[object]) -> str:
    return hashlib.sha256(canonical(list(row))).hexdigest()
