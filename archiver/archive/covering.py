"""Measures the coverage of a span by what the archive's file holds."""

from __future__ import annotations

from datetime import datetime

from archiver.archive import healing
from archiver.archive.coverage import Coverage, measure_coverage, proven_since, whole_span
from archiver.archive.ledger import Bookmark, Ledger, WindowState
from archiver.archive.presence import Presence
from archiver.archive.vault import Vault
from archiver.model import Window, from_ms, to_ms

_DAY_MS = 86_400_000


class Covering:
    """What the readings of windows say at `now`, LivePerson's time. Those that were dated by a wrong clock do not
    count. `whole` is all that LivePerson keeps and all that was ever read or targeted.
    """

    def __init__(self, vault: Vault, ledger: Ledger, presence: Presence, now: datetime) -> None:
        self._vault, self._presence, self._now = vault, presence, now
        self._windows = list(healing.believed(ledger.recorded(), now))
        self._readings = [window.reading for window in self._windows]
        self.whole = whole_span(self._readings, now, ledger.bookmark(Bookmark.TARGET))

    def between(self, start: datetime | None = None, end: datetime | None = None) -> Coverage:
        """The coverage of a span, by default of the whole. Raises ValueError for a span that ends before it starts, or
        starts in the future.
        """
        return self.of(Window(start or self.whole.start, min(end or self.whole.end, self.whole.end)))

    def of(self, span: Window, *, is_counted: bool = True) -> Coverage:
        """The coverage of a span; without counts of what is kept of each day, which take time in a large archive."""
        held = self._vault.started(_DAY_MS) if is_counted else ()
        kept = {from_ms(day * _DAY_MS).date(): count for day, count in held}
        shallow = self._vault.count_shallow(to_ms(span.start), to_ms(span.end))
        vanished = tuple(self._presence.vanished_within(span))
        return measure_coverage(span, self._readings, kept, self._now, shallow=shallow, vanished=vanished)

    def count_unread(self, span: Window) -> int:
        """How many records in quarantine may belong to a span: all that came in after it was last proven complete.
        Whatever LivePerson counts in a span is readable in a reading that proves it.
        """
        sealed = (
            (item.reading.window, item.read_at)
            for item in self._windows
            if item.reading.state is WindowState.SEALED and item.read_at
        )
        return self._vault.count_quarantined(proven_since(span, sealed))
