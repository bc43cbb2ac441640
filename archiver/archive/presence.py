"""Which archived conversations LivePerson still lists, within the time that it keeps them. Changes are noted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Set
from datetime import datetime

from archiver.archive.append import VaultWriter
from archiver.archive.events import RETURNED, VANISHED
from archiver.model import Window, to_ms

_LAST = (
    # By the index of events, which covers no records.
    "SELECT conversation_id, type FROM entries e WHERE type <> 'record' AND type IN (?, ?) AND seq ="
    " (SELECT max(seq) FROM entries l WHERE l.conversation_id = e.conversation_id AND l.type IN (?, ?))"
)


class Presence:
    """Reads what is known, and notes changes inside a transaction of the archive."""

    def __init__(self, connection: sqlite3.Connection, vault: VaultWriter) -> None:
        self._connection, self._vault = connection, vault

    def vanished(self) -> set[str]:
        """The conversations that LivePerson listed no more when their time was last read."""
        kinds = (VANISHED, RETURNED)
        rows = self._connection.execute(_LAST, (*kinds, *kinds))
        return {conversation_id for conversation_id, type_ in rows if type_ == VANISHED}

    def vanished_within(self, window: Window) -> list[str]:
        """Those of them that started in a window."""
        missing = self.vanished()
        return sorted(missing & set(self._started(window))) if missing else []

    def changes(self, window: Window, listed: Set[str]) -> list[tuple[str, str]]:
        """What became of conversations that started in a window of which LivePerson listed these: (event, id)."""
        missing = self.vanished()
        gone = [(VANISHED, id_) for id_ in self._started(window) if id_ not in listed and id_ not in missing]
        return [*gone, *((RETURNED, id_) for id_ in sorted(missing & listed))]

    def note(self, changes: list[tuple[str, str]], window: Window, now: datetime) -> None:
        """Records the changes in the chain."""
        content = {"window": [to_ms(window.start), to_ms(window.end)]}
        for type_, conversation_id in changes:
            self._vault.append_event(type_, conversation_id, content, at=now)

    def _started(self, window: Window) -> Iterator[str]:
        rows = self._connection.execute(
            "SELECT conversation_id FROM current WHERE started_ms >= ? AND started_ms < ? ORDER BY started_ms",
            (to_ms(window.start), to_ms(window.end)),
        )
        yield from (row[0] for row in rows)
