"""Reads by their ids the conversations that are archived only as a search returned them: without some SDEs."""

from __future__ import annotations

from datetime import timedelta

from archiver import windows
from archiver.harvest.ingest import Ingest
from archiver.harvest.look_up import Tolerance
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger
from archiver.model import EPOCH, to_ms

_log = EventLogger("harvest")
_BEYOND = timedelta(days=31)  # LivePerson may return conversations that are older than it promises
_BEGIN = (to_ms(EPOCH), "")


class Deepening:
    """Goes through the shallow conversations that LivePerson may still have, the oldest first."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._after = _BEGIN
        self._tolerance = Tolerance()

    def run(self) -> None:
        """Reads all, or until look-ups fail too often. Raises SourceError if LivePerson refuses everything."""
        while self.read_some():
            if not self._tolerance.may_go_on:
                _log.warning("lookup.paused", "the rest is read by its ids at the next harvest")
                return

    def read_some(self) -> bool:
        """Reads up to a hundred; False if none was left, which begins the next round."""
        if not self._ingest.is_deep:
            return False
        since = to_ms(windows.retention(self._ingest.clock()).start - _BEYOND)
        shallow = self._ingest.archive.vault.shallow(since, self._after, MOST_PER_PAGE)
        self._after = shallow[-1] if shallow else _BEGIN
        self._tolerance = Tolerance()
        if shallow:
            ids = [id_ for _, id_ in shallow]
            absent, failures = self._tolerance.look_up(ids, self._ingest.source, self._ingest.keep_page)
            left = len(absent) + sum(len(failure.ids) for failure in failures)
            done = f"{len(ids) - left} of {len(ids)} shallow conversations were read by their ids"
            _log.info("conversations.deepened", done, conversations=len(ids) - left, left=left)
        return bool(shallow)
