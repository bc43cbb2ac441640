"""What LivePerson still returns of a time before the 13 months that it keeps: kept, and never called complete.

LivePerson promises 13 months and not a day more, so that nothing proves such a time complete. What it deletes there in
the next minutes, or deletes later than it says, would be lost if nobody asked for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from archiver import windows
from archiver.errors import AuthError, BadAnswer, SourceError, Unproven
from archiver.harvest.halving import work_through
from archiver.harvest.ingest import Ingest
from archiver.harvest.window_reader import MOST_UNREADABLE
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger
from archiver.model import Window

_log = EventLogger("harvest")
_EMPTY_IN_A_ROW = 3  # windows of 30 days without a conversation end the search
_MOST_WINDOWS = 120  # ten years


class Leftovers:
    """Reads wide windows before the retention limit. No answer of LivePerson ends a harvest here, unless it refuses the
    credentials. `conversations` counts what was received.
    """

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self.conversations = 0
        self._unreadable = 0

    def read_before(self, end: datetime, start: datetime | None = None) -> None:
        """Reads everything from `end` back to `start`; without a `start`, until LivePerson has nothing any more."""
        empty = 0
        for window in islice(windows.backwards(end, start), _MOST_WINDOWS if start is None else None):
            count = self._read_window(window)
            empty = 0 if count else empty + 1
            if count is None or (start is None and empty == _EMPTY_IN_A_ROW):
                return

    def _read_window(self, window: Window) -> int | None:
        """Keeps what LivePerson returns for a window; the number of conversations, or None if it did not answer."""
        before = self.conversations
        try:
            work_through(window, self._read)
        except AuthError:
            raise
        except SourceError as error:
            message = f"{window}, before LivePerson's 13 months, can't be read: {error.message}"
            _log.warning("window.older", message, window=window, code=error.code)
            return None
        count = self.conversations - before
        _log.info("window.older", f"{window}: LivePerson still returned {count}", window=window, conversations=count)
        return count

    def _read(self, window: Window) -> Iterable[Window]:
        """Keeps the pages of a window. Returns its halves if reading them may give more."""
        halves: Sequence[Window] = windows.split(window) or ()
        total = 0
        try:
            for page in self._ingest.source.pages(window, is_light=self._ingest.wants_light):
                total = page.total
                if total > windows.MOST_PER_WINDOW and halves:
                    return halves
                self._ingest.keep(self._ingest.complete(page))
                self.conversations += len(page.conversations)
        except Unproven:  # between several pages rows can move, for example when some expire
            return halves if total > MOST_PER_PAGE else ()
        except BadAnswer:  # one record may spoil the response for all
            self._unreadable += 1
            if self._unreadable > MOST_UNREADABLE:
                raise
            return halves
        return ()
