"""Puts right what is not evidence: rows that follow from the chain, rows that only steer the harvest, and a damaged
copy of the dictionary.

Part of the archive's SQLite file; everything here happens inside a transaction of the archive. Entries, bodies and
links are never touched.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from archiver.archive import chain, dictionary, erasure_list, objects, rechecks, steering
from archiver.archive.bookkeeping import LedgerWriter
from archiver.archive.events import RECORD
from archiver.archive.inspection import Inspection
from archiver.archive.ledger import RecordedWindow, WindowReading, WindowState, claim
from archiver.archive.stored import stored_moment
from archiver.archive.vault import Vault
from archiver.archive.versions import compare_raw
from archiver.errors import IntegrityError
from archiver.logs import EventLogger
from archiver.model import EPOCH, Window, to_ms
from archiver.rawrecord import moment, peek, peek_if_readable
from archiver.value import Value

_log = EventLogger("archive")
Claims = Mapping[Window, tuple[int, Any]]  # the windows that the chain proves complete: entry, and what it says


class Mended(Value):
    """How many rows were put right, and whether other versions are current now, so that an index has to be rebuilt."""

    rows: int
    is_index_outdated: bool


class Repair:
    """Methods are called inside a transaction."""

    def __init__(
        self, connection: sqlite3.Connection, vault: Vault, ledger: LedgerWriter, inspection: Inspection
    ) -> None:
        self._connection, self._vault, self._ledger, self._inspection = connection, vault, ledger, inspection

    def steering(self, now: datetime) -> int:
        """Puts right what can't be true among the rows that steer a harvest (`steering`); how many there were."""
        mended = steering.mend(self._connection, now)
        if steering.forget_strangers(self._connection):
            mended += 1 + self._watch_again(now)
        if mended:
            _log.warning("archive.mended", f"{mended:,} rows that steer the harvest were put right", rows=mended)
        return mended

    def everything(self, now: datetime, proven: Claims) -> Mended:
        """Puts right all that is not evidence. What follows from the chain is left as it is if the chain is broken.
        `proven` is what the chain proves complete.
        """
        rows, current = objects.mend(self._connection), 0
        rows += dictionary.mend(self._connection, self._inspection.dictionary_id())
        if not any(True for _ in chain.faults(self._inspection.entries())):
            current = self._current() + self._touch()
            rows += current + self._forget_strange_depths() + self._erasures() + self._windows(now, proven)
        rows += self.steering(now) + self._watch_again(now)
        return Mended(rows, is_index_outdated=current > 0)

    # ── conversations to look up again ──

    def _watch_again(self, now: datetime) -> int:
        """Puts every conversation that may still change on the list of look-ups, due at once, unless it is there. How
        many there were. One whose record can't be read is looked up again, too.
        """
        found = [id_ for id_ in self._vault.unwatched() if self._may_still_change(id_, now)]
        for conversation_id in found:
            self._ledger.watch(conversation_id, "again", due=now, now=EPOCH)
        return len(found)

    def _may_still_change(self, conversation_id: str, now: datetime) -> bool:
        try:
            return rechecks.may_still_change(peek(self._vault.current(conversation_id).raw).info, now)
        except (IntegrityError, ValueError):
            return True

    # ── current versions ──

    def _current(self) -> int:
        """Makes the current versions what the chain says; how many were wrong."""
        count = self._connection.execute(
            "DELETE FROM current WHERE conversation_id NOT IN (SELECT conversation_id FROM entries WHERE type = ?)",
            (RECORD,),
        ).rowcount
        rows = self._connection.execute("SELECT DISTINCT conversation_id FROM entries WHERE type = ?", (RECORD,))
        return count + sum(self._mend_current(conversation_id) for (conversation_id,) in rows.fetchall())

    def _mend_current(self, conversation_id: str) -> bool:
        """Whether the row of a conversation was wrong and is right now."""
        try:
            record = self._vault.current(conversation_id)
            newest: tuple[int, bytes] | None = (record.seq, record.raw)
        except IntegrityError:
            newest = self._newest(conversation_id)
        if newest is None:
            return False
        seq, peeked = newest[0], peek_if_readable(newest[1])
        started = moment(peeked.info, "startTime")
        row = (conversation_id, seq, peeked.message_count, to_ms(started) if started else None)
        before = self._connection.execute(
            "SELECT conversation_id, seq, messages, started_ms FROM current WHERE conversation_id = ?",
            (conversation_id,),
        )
        if before.fetchone() == row:
            return False
        self._connection.execute("INSERT OR REPLACE INTO current VALUES (?, ?, ?, ?, NULL, 0)", row)
        return True

    def _touch(self) -> int:
        """Makes each row name the newest entry about its conversation; how many did not."""
        return self._connection.execute(
            "UPDATE current SET touched = newest FROM (SELECT conversation_id AS id, max(seq) AS newest FROM entries"
            " GROUP BY conversation_id) WHERE id = conversation_id AND touched IS NOT newest"
        ).rowcount

    def _forget_strange_depths(self) -> int:
        """A conversation that is said to be read by its id in an entry that is not its own is read so again."""
        return self._connection.execute(
            "UPDATE current SET deep = NULL WHERE deep IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entries e"
            " WHERE e.seq = current.deep AND e.conversation_id = current.conversation_id AND e.type = ?)",
            (RECORD,),
        ).rowcount

    def _newest(self, conversation_id: str) -> tuple[int, bytes] | None:
        """The version that is current by the rules of `VaultWriter.append`; None if one of the versions is damaged."""
        current: tuple[int, bytes] | None = None
        since: set[bytes] = set()  # fingerprints of later versions that did not become current
        for entry, raw in self._inspection.of_types((RECORD,), conversation_id):
            if raw is None and not self._inspection.is_removed(entry):
                return None
            if raw is None:
                continue
            if current is None or entry.fingerprint in since or compare_raw(raw, current[1]).is_current:
                current, since = (entry.seq, raw), set()
            else:
                since.add(entry.fingerprint)
        return current

    def _erasures(self) -> int:
        """Makes the list of erasures what the chain says; how many rows were wrong."""
        wrong = [seq for seq, _ in erasure_list.faults(self._inspection)]
        expected = erasure_list.expected_rows(self._inspection)
        self._connection.executemany("DELETE FROM erasures WHERE seq = ?", ((seq,) for seq in wrong))
        rows = [expected[seq] for seq in wrong if seq in expected]
        self._connection.executemany("INSERT INTO erasures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return len(wrong)

    # ── windows ──

    def _windows(self, now: datetime, proven: Claims) -> int:
        """Removes rows that were altered or claim what the chain does not say, and writes those anew that it proves.
        How many there were.
        """
        count = self._ledger.forget_altered()
        right: set[Window] = set()
        for item in list(self._ledger.recorded()):
            if _is_proven(item, proven):
                right.add(item.reading.window)
            elif item.reading.state is WindowState.SEALED or item.reading.window in proven:
                self._ledger.forget(item.reading.window)
                count += 1
        missing = [window for window in proven if window not in right]
        return count + sum(self._write_proven(window, *proven[window], now) for window in missing)

    def _write_proven(self, window: Window, seq: int, said: Any, now: datetime) -> bool:
        """Writes the row of a window that the chain proves complete; whether what the chain says can be read."""
        (entry, _), *_ = self._inspection.at(seq)
        read_at = stored_moment(entry.fetched_at)
        try:
            expected, seen, inside = (int(said[name]) for name in ("expected", "seen", "inside"))
            content, ids = str(said["content"]), str(said["ids"])
        except (KeyError, TypeError, ValueError):
            return False
        reading = WindowReading(window, WindowState.SEALED, expected, seen, inside, 0, content, None, ids)
        if read_at is None or claim(reading) != said:
            return False
        self._ledger.record(reading, run=None, now=read_at, vault_head=seq, certificate=seq, due=now)
        return True


def _is_proven(item: RecordedWindow, proven: Claims) -> bool:
    reading = item.reading
    return reading.state is WindowState.SEALED and proven.get(reading.window) == (item.certificate, claim(reading))
