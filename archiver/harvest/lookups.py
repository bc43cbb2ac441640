"""Looks up again the conversations that may have changed."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime

from archiver.harvest.ingest import Ingest
from archiver.harvest.look_up import Tolerance
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger

_log = EventLogger("harvest")


class Lookups:
    """Looks up again the conversations that are open, truncated, recently closed, or had fewer messages than before."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._tolerance = Tolerance()

    def recheck_some(self, *, seen_before: datetime, due_by: datetime | None) -> bool:
        """Looks up to a hundred conversations that are due; whether there were any."""
        return bool(self._recheck_next(seen_before, due_by, frozenset()))

    def recheck_all(self, *, seen_before: datetime, due_by: datetime | None) -> None:
        """Looks up all that are due, each once: they stay due while LivePerson's clock stands still. Stops if it fails
        at too many of them.
        """
        done: set[str] = set()
        while ids := self._recheck_next(seen_before, due_by, done):
            if not self._tolerance.may_go_on:
                _log.warning("lookup.stopped", "open conversations can't be looked up now; the next harvest does it")
                return
            done.update(ids)

    def _recheck_next(self, seen_before: datetime, due_by: datetime | None, done: Set[str]) -> Sequence[str]:
        """Looks up to a hundred that are due and not done yet, and returns their ids."""
        due = self._ingest.archive.ledger.watched(seen_before, due_by, MOST_PER_PAGE + len(done))
        ids = [id_ for id_ in due if id_ not in done][:MOST_PER_PAGE]
        self._tolerance = Tolerance()
        if ids:
            self._recheck(ids)
        return ids

    def _recheck(self, ids: Sequence[str]) -> None:
        absent, failures = self._tolerance.look_up(ids, self._ingest.source, self._ingest.keep_page)
        now = self._ingest.clock()
        self._ingest.archive.note_absent(absent, now)
        for failure in failures:
            if failure.ids:
                more = f" and {len(failure.ids) - 1} more" if len(failure.ids) > 1 else ""
                message = f"conversation {failure.ids[0]}{more} can't be looked up: {failure.error.message}"
                _log.warning("lookup.failed", message, conversations=len(failure.ids), code=failure.error.code)
            self._ingest.archive.postpone_lookups(failure.ids, now)
