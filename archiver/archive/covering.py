"""Measures the coverage of a span by what the archive's file holds."""

from __future__ import annotations

from datetime import datetime, timedelta

from archiver.archive import healing
from archiver.archive.coverage import Coverage, Stretch, by_worth, measure_coverage, proven_since, stretches, whole_span
from archiver.archive.ledger import Bookmark, Ledger, WindowReading, WindowState
from archiver.archive.presence import Presence
from archiver.archive.vault import Vault
from archiver.model import DAY_MS, Window, from_ms, to_ms
from archiver.windows import floor

_KEPT_SPANS = 100
_MINUTE = timedelta(minutes=1)


def reading_at(ledger: Ledger, moment: datetime, now: datetime) -> WindowReading | None:
    """The reading that counts of the time of a moment, at `now`, which is LivePerson's time; None if it was not."""
    held = healing.believed(ledger.holding(to_ms(moment)), now)
    return min((item.reading for item in held), key=by_worth, default=None)


class Coverings:
    """Keeps the last covering, and gives it again within the same minute while nothing was written to the file."""

    def __init__(self, vault: Vault, ledger: Ledger, presence: Presence) -> None:
        self._vault, self._ledger, self._presence = vault, ledger, presence
        self._last: tuple[object, Covering] | None = None

    def at(self, now: datetime) -> Covering:
        """What is covered at `now`, which is LivePerson's time."""
        state, minute = self._vault.state(), floor(now, _MINUTE)
        if self._last is None or state is None or self._last[0] != (state, minute):
            self._last = (state, minute), Covering(self._vault, self._ledger, self._presence, now)
        return self._last[1]


class Covering:
    """What the readings of windows say at `now`, LivePerson's time. Those that were dated by a wrong clock do not
    count. `whole` is all that LivePerson keeps and all that was ever read or targeted.
    """

    def __init__(self, vault: Vault, ledger: Ledger, presence: Presence, now: datetime) -> None:
        self._vault, self._presence, self._now = vault, presence, now
        self._windows = list(healing.believed(ledger.recorded(), now))
        self._readings = [window.reading for window in self._windows]
        self._known: dict[Window, tuple[Stretch, ...]] = {}
        self.whole = whole_span(self._readings, now, ledger.bookmark(Bookmark.TARGET))

    def between(self, start: datetime | None = None, end: datetime | None = None) -> Coverage:
        """The coverage of a span, by default of the whole. Raises ValueError for a span that ends before it starts, or
        starts in the future.
        """
        return self.of(Window(start or self.whole.start, min(end or self.whole.end, self.whole.end)))

    def of(self, span: Window) -> Coverage:
        """The coverage of a span."""
        kept = {from_ms(day * DAY_MS).date(): count for day, count in self._vault.started(DAY_MS)}
        shallow = self._vault.count_shallow(to_ms(span.start), to_ms(span.end))
        vanished = tuple(self._presence.vanished_within(span))
        return measure_coverage(span, self._readings, kept, self._now, shallow=shallow, vanished=vanished)

    def stretches(self, span: Window) -> tuple[Stretch, ...]:
        """The states of a span without any counts, which take time in a large archive."""
        if len(self._known) == _KEPT_SPANS:
            self._known.clear()
        if span not in self._known:
            self._known[span] = tuple(stretches(span, self._readings, self._now))
        return self._known[span]

    def count_unread(self, span: Window) -> int:
        """How many records in quarantine may belong to a span: all that came in after it was last proven complete.
        Whatever LivePerson counts in a span is readable in a reading that proves it.
        """
        if not self._vault.count_quarantined():
            return 0
        sealed = (
            (item.reading.window, item.read_at)
            for item in self._windows
            if item.reading.state is WindowState.SEALED and item.read_at
        )
        return self._vault.count_quarantined(proven_since(span, sealed))
