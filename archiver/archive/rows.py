"""What the vault says about its entries and conversations without reading a record."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from archiver.archive.chain import in_hex
from archiver.archive.events import RECORD
from archiver.errors import NotFound, abridged

_IDS_AT_ONCE = 10_000
_KEPT_COUNTS = 1_000
_SHORTEST_BEGIN, _NAMED = 4, 3  # characters of an id; ids in an error
_LAST_CHARACTER = "\U0010ffff"
_EARLIEST_MS, _LATEST_MS = -62_135_000_000_000, 253_402_000_000_000  # what Python can express as a date


class VaultRows:
    """Reads only."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._counted_at: tuple[int, int] | None = None  # the state of the file, and what was counted in it
        self._counts: dict[tuple[object, ...], int] = {}

    def head(self) -> int:
        """The newest sequence number; 0 for an empty vault."""
        (seq,) = self._connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()
        return int(seq)

    def link_at(self, seq: int) -> str | None:
        """The link of an entry in hexadecimal; None if there is no such entry."""
        return self._link("SELECT link FROM entries WHERE seq = ?", seq)

    def newest_link(self, conversation_id: str) -> str | None:
        """The link of the newest entry about a conversation, which changes with whatever is known of it; None if it has
        no current version.
        """
        query = "SELECT link FROM current c JOIN entries e ON e.seq = c.touched WHERE c.conversation_id = ?"
        return self._link(query, conversation_id)

    def _link(self, query: str, value: object) -> str | None:
        row = self._connection.execute(query, (value,)).fetchone()
        return in_hex(row[0]) if row else None

    def started(self, width_ms: int) -> Iterator[tuple[int, int]]:
        """How many conversations started in each multiple of a width since the epoch: (multiple, count)."""
        rows = self._connection.execute(
            "SELECT started_ms / ?, count(*) FROM current WHERE started_ms BETWEEN ? AND ? GROUP BY 1",
            (width_ms, _EARLIEST_MS, _LATEST_MS),
        )
        yield from rows

    def ids_by_start(self) -> Iterator[str]:
        """The id of every conversation in the order of their starts, those of an unknown one first."""
        after: tuple[int, str] = (-(2**62), "")
        while True:
            rows = self._connection.execute(
                "SELECT coalesce(started_ms, -4611686018427387903), conversation_id FROM current"
                " WHERE (coalesce(started_ms, -4611686018427387903), conversation_id) > (?, ?) ORDER BY 1, 2 LIMIT ?",
                (*after, _IDS_AT_ONCE),
            ).fetchall()
            yield from (conversation_id for _, conversation_id in rows)
            if len(rows) < _IDS_AT_ONCE:
                return
            after = rows[-1]

    def conversations(self) -> int:
        """How many conversations there are."""
        return self._count("SELECT count(*) FROM current")

    def state(self) -> tuple[int, int] | None:
        """What is another one after anything was written, here or elsewhere; None within a change, which may be rolled
        back.
        """
        if self._connection.in_transaction:
            return None
        (elsewhere,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(elsewhere), self._connection.total_changes

    def _count(self, query: str, *values: object) -> int:
        """The number that a query gives. Counted again only after something was written."""
        state = self.state()
        if state is None or state != self._counted_at:
            self._counted_at = state
            self._counts.clear()
        if (query, *values) not in self._counts:
            (count,) = self._connection.execute(query, values).fetchone()
            if state is None or len(self._counts) == _KEPT_COUNTS:
                return int(count)
            self._counts[(query, *values)] = int(count)
        return self._counts[(query, *values)]

    def totals(self) -> tuple[int, int]:
        """How many conversations there are, and how many messages in their current versions."""
        row = self._connection.execute(
            "SELECT count(*), coalesce(sum(min(max(messages, 0), 1000000000)), 0) FROM current"
        ).fetchone()
        return int(row[0]), int(row[1])

    def count_shallow(self, start_ms: int = _EARLIEST_MS, end_ms: int = _LATEST_MS) -> int:
        """How many conversations are shallow: their current version comes from a search, which leaves out all but the
        newest SDE of each type and thumbnails. Those without a start count in every span.
        """
        # Two counts, each of a stretch of the index of shallow conversations.
        return self._count(
            "SELECT (SELECT count(*) FROM current WHERE deep IS NOT seq AND started_ms IS NULL)"
            " + (SELECT count(*) FROM current WHERE deep IS NOT seq AND started_ms >= ? AND started_ms < ?)",
            start_ms, end_ms,
        )  # fmt: skip

    def has_undated(self) -> bool:
        """Whether the start of any conversation is unknown."""
        (is_there,) = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM current WHERE started_ms IS NULL)"
        ).fetchone()
        return bool(is_there)

    def ids_beginning(self, text: str, limit: int) -> list[str]:
        """The first ids that begin with a text, in order."""
        rows = self._connection.execute(
            "SELECT conversation_id FROM current WHERE conversation_id >= ? AND conversation_id < ?"
            " ORDER BY conversation_id LIMIT ?",
            (text, f"{text}{_LAST_CHARACTER}", limit),
        )
        return [row[0] for row in rows]

    def completed(self, typed: str) -> str:
        """The id that a text is, or is the begin of; the text itself if there is none. Raises NotFound if several begin
        so.
        """
        found = self.ids_beginning(typed, _NAMED + 1)
        if typed in found or not found or len(typed) < _SHORTEST_BEGIN:
            return typed
        if len(found) > 1:
            several = abridged(found, _NAMED)
            raise NotFound(f"several conversations begin with {typed}: {several}", hint="Write more of the id.")
        return found[0]

    def count_started(self, start_ms: int, end_ms: int) -> int:
        """How many conversations started in a span."""
        return self._count("SELECT count(*) FROM current WHERE started_ms >= ? AND started_ms < ?", start_ms, end_ms)

    def shallow(self, since_ms: int, after: tuple[int, str], limit: int) -> list[tuple[int, str]]:
        """Shallow conversations that started at `since_ms` or later, as (start in ms, id), the first `limit` ones after
        a pair in their order.
        """
        return self._connection.execute(
            "SELECT started_ms, conversation_id FROM current WHERE deep IS NOT seq"
            " AND started_ms >= ? AND (started_ms, conversation_id) > (?, ?)"
            " ORDER BY started_ms, conversation_id LIMIT ?",
            (since_ms, *after, limit),
        ).fetchall()

    def count_quarantined(self, since: datetime | None = None) -> int:
        """How many unreadable records are in quarantine, or were received again since a moment."""
        query = "SELECT count(*) FROM quarantine WHERE fetched_at >= ?"
        return self._count(query, since.isoformat(timespec="milliseconds") if since else "")

    def count_after(self, seq: int) -> int:
        """About how many conversations entries were made after `seq`."""
        return self._count("SELECT count(*) FROM current WHERE touched > ?", seq)

    def entries_after(self, seq: int, limit: int) -> list[tuple[int, str, str, str, int]]:
        """The first entries about conversations after a sequence number, in order: sequence number, conversation, when
        it was made, its type, and whether it is a current version.
        """
        return self._connection.execute(
            "SELECT e.seq, e.conversation_id, e.fetched_at, e.type, c.seq IS NOT NULL FROM entries e"
            " LEFT JOIN current c ON c.seq = e.seq WHERE e.seq > ? AND e.conversation_id <> '' ORDER BY e.seq LIMIT ?",
            (seq, limit),
        ).fetchall()

    def events_about(self, conversation_id: str) -> list[str]:
        """The types of the events about a conversation, oldest first."""
        rows = self._connection.execute(
            "SELECT type FROM entries WHERE conversation_id = ? AND type <> ? ORDER BY seq", (conversation_id, RECORD)
        )
        return [row[0] for row in rows]

    def unwatched(self) -> list[str]:
        """The conversations that are not on the list of look-ups."""
        rows = self._connection.execute(
            "SELECT conversation_id FROM current WHERE conversation_id NOT IN (SELECT conversation_id FROM watch)"
        )
        return [row[0] for row in rows]
