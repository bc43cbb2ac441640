"""Which archived conversations LivePerson still lists, within the time that it keeps them. Changes are noted."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Set
from datetime import datetime

from archiver.archive.append import VaultWriter
from archiver.archive.events import RETURNED, VANISHED
from archiver.jsontext import encode
from archiver.model import Window, to_ms

_EVER_VANISHED = (
    # By the index of events, which covers no records.
    "SELECT DISTINCT conversation_id FROM entries JOIN current USING (conversation_id)"
    " WHERE type <> 'record' AND type = ? AND started_ms >= ? AND started_ms < ?"
)
_STARTED = "SELECT conversation_id FROM current WHERE started_ms >= ? AND started_ms < ? ORDER BY started_ms"
_VANISHED_OF = (
    # By the index of conversations: however many have vanished, only these are looked at.
    "SELECT value FROM json_each(?) CROSS JOIN entries e ON e.seq ="
    " (SELECT max(seq) FROM entries WHERE conversation_id = value AND type IN (?, ?)) WHERE e.type = ?"
)


class Presence:
    """Reads what is known, and notes changes inside a transaction of the archive."""

    def __init__(self, connection: sqlite3.Connection, vault: VaultWriter) -> None:
        self._connection, self._vault = connection, vault

    def vanished_within(self, window: Window) -> list[str]:
        """The conversations that started in a window and that LivePerson listed no more when it was last read."""
        return sorted(self._vanished_of(self._ids(_EVER_VANISHED, VANISHED, *_limits(window))))

    def changes(self, window: Window, listed: Set[str]) -> list[tuple[str, str]]:
        """What became of conversations that started in a window of which LivePerson listed these: (event, id)."""
        lacking = [id_ for id_ in self._ids(_STARTED, *_limits(window)) if id_ not in listed]
        known, returned = self._vanished_of(lacking), self._vanished_of(listed)
        gone = ((VANISHED, id_) for id_ in lacking if id_ not in known)
        return [*gone, *((RETURNED, id_) for id_ in sorted(returned))]

    def _vanished_of(self, ids: Collection[str]) -> set[str]:
        """Those of these conversations that LivePerson listed no more when their time was last read."""
        return set(self._ids(_VANISHED_OF, encode(list(ids)).decode(), VANISHED, RETURNED, VANISHED))

    def _ids(self, query: str, *values: int | str) -> list[str]:
        return [id_ for (id_,) in self._connection.execute(query, values)]

    def note(self, changes: list[tuple[str, str]], window: Window, now: datetime) -> None:
        """Records the changes in the chain."""
        content = {"window": [to_ms(window.start), to_ms(window.end)]}
        self._vault.append_events(changes, content, at=now)


def _limits(window: Window) -> tuple[int, int]:
    return to_ms(window.start), to_ms(window.end)
