"""Writes the ledger, for the archive's own methods. Everything here happens inside a transaction of the archive."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from archiver.archive.ledger import ROWS, Bookmark, Ledger, Run, WindowReading, WindowState, is_altered, row_digest
from archiver.archive.rechecks import next_check
from archiver.archive.stored import stored_moment, stored_window
from archiver.model import CELL, EPOCH, Window, to_ms
from archiver.windows import subtract

RESUME_WITHIN = timedelta(days=1)


class LedgerWriter(Ledger):
    """The ledger with its writers."""

    # ── runs and bookmarks ──

    def begin(self, span: Window, now: datetime) -> Run:
        """The unfinished run to resume, if it is younger than a day, or a new one."""
        for id_, started_at in self._connection.execute(
            "SELECT id, started_at FROM runs WHERE finished_at IS NULL ORDER BY id DESC"
        ):
            started = stored_moment(started_at)
            if started and now - RESUME_WITHIN < started <= now:
                return Run(id_, started)
        cursor = self._connection.execute(
            "INSERT INTO runs (start_ms, end_ms, started_at) VALUES (?, ?, ?)",
            (to_ms(span.start), to_ms(span.end), now.isoformat()),
        )
        return Run(int(cursor.lastrowid or 0), now)

    def finish(self, now: datetime) -> None:
        """Closes every run that is not finished."""
        self._connection.execute("UPDATE runs SET finished_at = ? WHERE finished_at IS NULL", (now.isoformat(),))

    def set_bookmark(self, name: Bookmark, at: datetime) -> None:
        """Stores a moment under a name."""
        self._connection.execute("INSERT OR REPLACE INTO bookmarks VALUES (?, ?)", (name, at.isoformat()))

    def remove_bookmark(self, name: Bookmark) -> None:
        """Removes the moment stored under a name."""
        self._connection.execute("DELETE FROM bookmarks WHERE name = ?", (name,))

    def date_back_runs(self, now: datetime, latest: datetime) -> int:
        """Ends the runs that began or ended after `latest`, and dates them `now`; how many these were."""
        begun = self._connection.execute(
            "UPDATE runs SET started_at = ?, finished_at = ? WHERE started_at > ?",
            (now.isoformat(), now.isoformat(), latest.isoformat()),
        )
        ended = self._connection.execute(
            "UPDATE runs SET finished_at = ? WHERE finished_at > ?", (now.isoformat(), latest.isoformat())
        )
        return begun.rowcount + ended.rowcount

    def extend_target(self, start: datetime) -> None:
        """Stores since when conversations are to be covered, if that is earlier than before."""
        before = self.bookmark(Bookmark.TARGET)
        if before is None or start < before:
            self.set_bookmark(Bookmark.TARGET, start)

    # ── windows ──

    def record(
        self, reading: WindowReading, *, run: Run | None, now: datetime, vault_head: int, certificate: int | None,
        due: datetime | None,
    ) -> None:  # fmt: skip
        """Replaces the rows of exactly this window and of windows inside it. `certificate` is the entry of the chain
        that states the same; `due`, when the window is to be checked.
        """
        start, end = to_ms(reading.window.start), to_ms(reading.window.end)
        self._connection.execute("DELETE FROM windows WHERE start_ms >= ? AND end_ms <= ?", (start, end))
        row = (
            start, end, reading.state, reading.reason, reading.expected, reading.seen, reading.inside, reading.new,
            now.isoformat(), run.id if run else 0, reading.content, vault_head, reading.ids, certificate,
        )  # fmt: skip
        self._connection.execute(
            "INSERT INTO windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
            (*row, row_digest(row), due.isoformat() if due else None),
        )
        if reading.state is WindowState.SEALED:
            self._forget_covered(start, end)

    def _forget_covered(self, start: int, end: int) -> None:
        """Removes rows of unproven windows that overlap a proven one, and whose parts are all proven by now."""
        rows = self._connection.execute(
            "SELECT start_ms, end_ms FROM windows WHERE start_ms < ? AND end_ms > ? AND state <> ?",
            (end, start, WindowState.SEALED),
        ).fetchall()
        for key in rows:
            other = stored_window(*key)
            pieces = [item.reading.window for item in self.sealed_touching(other)] if other else []
            if other and not list(subtract(other, pieces)):
                self.forget(other)

    def forget(self, window: Window) -> None:
        """Removes the row of exactly this window."""
        key = (to_ms(window.start), to_ms(window.end))
        self._connection.execute("DELETE FROM windows WHERE start_ms = ? AND end_ms = ?", key)

    def forget_altered(self) -> int:
        """Removes the rows that were altered after they were written, or bound no window; how many there were."""
        keys = [row[:2] for row in self._connection.execute(ROWS).fetchall() if is_altered(row)]
        self._connection.executemany("DELETE FROM windows WHERE start_ms = ? AND end_ms = ?", keys)
        return len(keys)

    def forget_future_readings(self, now: datetime, latest: datetime) -> int:
        """Removes the rows of windows that are not sealed and were read after `latest`, or end after it and were read
        before; how many these were.
        """
        cursor = self._connection.execute(
            "DELETE FROM windows WHERE state <> ? AND (read_at > ? OR (end_ms > ? AND read_at <= ?))",
            (WindowState.SEALED, latest.isoformat(), to_ms(latest), now.isoformat()),
        )
        return cursor.rowcount

    def date_back_checks(self, now: datetime) -> int:
        """Makes checks of sealed windows that are due later than they could be if planned now due then; how many."""
        late = 0
        rows = self._connection.execute(
            "SELECT start_ms, end_ms, checks, due_at FROM windows WHERE state = ? AND due_at > ?",
            (WindowState.SEALED, now.isoformat()),
        ).fetchall()
        for start, end, checks, due_at in rows:
            window, planned = stored_window(start, end), stored_moment(due_at)
            if window and planned and isinstance(checks, int):
                due = next_check(window, now, max(checks, 0))
                if due + CELL < planned:
                    self.postpone_check(window, due)
                    late += 1
        return late

    def certify(self, window: Window, certificate: int | None, *, due: datetime | None) -> None:
        """Links a row of an older format to the entry of the chain that states the same, and gives it its digest."""
        key = (to_ms(window.start), to_ms(window.end))
        row = self._connection.execute(f"{ROWS} WHERE start_ms = ? AND end_ms = ?", key).fetchone()
        self._connection.execute(
            "UPDATE windows SET certificate = ?, digest = ?, due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (certificate, row_digest((*row[:-2], certificate)), due.isoformat() if due else None, *key),
        )

    def record_check(self, window: Window, due: datetime) -> None:
        """Records that LivePerson still announces the same count for a window, and when to compare again."""
        self._connection.execute(
            "UPDATE windows SET checks = min(max(checks, 0), 1000) + 1, due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (due.isoformat(), to_ms(window.start), to_ms(window.end)),
        )

    def postpone_check(self, window: Window, due: datetime) -> None:
        """Records when to compare again a window that could not be compared now."""
        self._connection.execute(
            "UPDATE windows SET due_at = ? WHERE start_ms = ? AND end_ms = ?",
            (due.isoformat(), to_ms(window.start), to_ms(window.end)),
        )

    # ── conversations to look up again ──

    def watch(
        self, conversation_id: str, reason: str, *, due: datetime, now: datetime, latest_at: datetime | None = None
    ) -> None:
        """Records that a conversation may still change, that it was seen now, and when to look it up again."""
        latest = latest_at.isoformat() if latest_at else None
        self._connection.execute(
            "INSERT OR REPLACE INTO watch VALUES (?, ?, ?, ?, ?)",
            (conversation_id, reason, now.isoformat(), due.isoformat(), latest),
        )

    def date_back_lookups(self, now: datetime, latest: datetime, latest_due: datetime) -> int:
        """Makes look-ups due now of conversations that were seen after `latest` or are due after `latest_due`; how
        many.
        """
        cursor = self._connection.execute(
            "UPDATE watch SET seen_at = ?, due_at = ? WHERE seen_at > ? OR due_at > ?",
            (EPOCH.isoformat(), now.isoformat(), latest.isoformat(), latest_due.isoformat()),
        )
        return cursor.rowcount

    def unwatch(self, ids: Iterable[str]) -> None:
        """These are not looked up again. Their records stay in the vault."""
        self._connection.executemany("DELETE FROM watch WHERE conversation_id = ?", ((id_,) for id_ in ids))

    def note_absent(self, ids: Iterable[str], *, due: datetime, now: datetime) -> None:
        """LivePerson does not return these: after the second time, they are not looked up again. Their records stay in
        the vault.
        """
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
        """Records when to look up again conversations that could not be looked up now."""
        self._connection.executemany(
            "UPDATE watch SET seen_at = ?, due_at = ? WHERE conversation_id = ?",
            ((now.isoformat(), due.isoformat(), id_) for id_ in ids),
        )
