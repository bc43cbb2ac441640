"""Compresses bodies anew with the archive's dictionary, which is trained from its own records.

Entries never change: they commit to the bytes of a body, not to their compressed form. Methods are called inside a
transaction of the archive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from archiver.archive import dictionary
from archiver.archive.bodies import BodyReader, BodyWriter, dictionary_of
from archiver.archive.events import RECORD
from archiver.archive.training import train
from archiver.value import Value

SAMPLE = 1_000  # records to train from
_YOUNG = 10_000  # entries, which are compressed within a second
_BATCH = 500  # bodies
_OF_RECORDS = " FROM entries JOIN bodies USING (seq) WHERE type = ?"
_BODIES = "SELECT seq, commitment, size, salt, body FROM entries JOIN bodies USING (seq)"


class Compressed(Value):
    """A batch of bodies: how many were looked at, how many are stored in a smaller form now, and the last entry."""

    looked_at: int
    compressed: int
    last: int


class Recompression:
    """`writer` compresses all that is written."""

    def __init__(self, connection: sqlite3.Connection, writer: BodyWriter) -> None:
        self._connection, self._writer, self._reader = connection, writer, BodyReader(connection)
        self._tried_at = 0

    def note_growth(self, head: int) -> None:
        """Gives an archive whose newest entry is `head` its dictionary as soon as it has enough records. A young one
        compresses all that it has with it. After a failure it tries again when the archive has doubled.
        """
        if self._writer.dictionary_id or head < max(SAMPLE, 2 * self._tried_at):
            return
        if self.train() and head < _YOUNG:
            batch = self.compress_after(0)
            while batch.looked_at:
                batch = self.compress_after(batch.last)
        elif self.count_records() >= SAMPLE:
            self._tried_at = head

    def train(self) -> bool:
        """Trains and stores a dictionary unless there is one, damaged or not, or too few records; whether it did."""
        self._writer.forget()
        if dictionary.exists(self._connection) or self.count_records() < SAMPLE:
            return False
        content = train(self._sample())
        if content is None:
            return False
        dictionary.write(self._connection, content)
        self._writer.forget()
        return True

    def count_records(self) -> int:
        """How many records there are with a body."""
        (count,) = self._connection.execute(f"SELECT count(*){_OF_RECORDS}", (RECORD,)).fetchone()
        return int(count)

    def _sample(self) -> Iterator[bytes]:
        """`SAMPLE` records from all parts of the vault, without those that are damaged."""
        seqs = [seq for (seq,) in self._connection.execute(f"SELECT seq{_OF_RECORDS} ORDER BY seq", (RECORD,))]
        for number in range(SAMPLE):
            at = seqs[number * len(seqs) // SAMPLE]
            for _, commitment, size, salt, body in self._connection.execute(f"{_BODIES} WHERE seq = ?", (at,)):
                raw = self._reader.opened(commitment, salt, body, size)
                if raw is not None:
                    yield raw

    def compress_after(self, seq: int) -> Compressed:
        """Compresses the next bodies after an entry that are not yet compressed with the dictionary. A damaged one
        stays as it is.
        """
        rows = self._connection.execute(f"{_BODIES} WHERE seq > ? ORDER BY seq LIMIT ?", (seq, _BATCH)).fetchall()
        changed = [(body, row[0]) for row in rows if (body := self._compressed(*row[1:])) is not None]
        self._connection.executemany("UPDATE bodies SET body = ? WHERE seq = ?", changed)
        return Compressed(len(rows), len(changed), rows[-1][0] if rows else seq)

    def _compressed(self, commitment: bytes, size: int, salt: bytes, body: bytes) -> bytes | None:
        """The body in its new form, if that is shorter and holds the same bytes."""
        is_done = dictionary_of(body) == self._writer.dictionary_id
        raw = None if is_done else self._reader.opened(commitment, salt, body, size)
        if raw is None:
            return None
        new = self._writer.compress(raw)
        return new if len(new) < len(body) and self._reader.opened(commitment, salt, new, size) == raw else None
