"""Conversations that may still change, looked at again by their ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from archiver.archive import SOONEST_RECHECK
from archiver.errors import AuthError, SourceError
from archiver.harvest.ingest import Ingest
from archiver.liveperson import MOST_PER_PAGE

_MOST_FAILURES = 20
_MOST_IN_A_ROW = 4  # of a server that is down; one conversation that spoils its answers is found in fewer


class Lookups:
    """What fails is tried in halves: what spoils an answer may be one conversation only."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._failures = 0
        self._in_a_row = 0

    def some(self, *, seen_before: datetime, due_by: datetime) -> bool:
        """Looks at up to a hundred that are due; whether there were any."""
        ids = self._ingest.archive.ledger.watched(seen_before, due_by, MOST_PER_PAGE)
        self._failures = self._in_a_row = 0
        if ids:
            self._look_up(ids)
        return bool(ids)

    def all(self, *, seen_before: datetime, due_by: datetime) -> None:
        while self.some(seen_before=seen_before, due_by=due_by):
            if self._failures > _MOST_FAILURES or self._in_a_row > _MOST_IN_A_ROW:
                self._ingest.progress.say("open conversations can't be looked up now; the next harvest does")
                return

    def _look_up(self, ids: Sequence[str]) -> None:
        left = list(ids)
        try:
            for page in self._ingest.source.by_ids(ids, is_brief=True):
                self._ingest.keep(page)
                left = [id_ for id_ in left if id_ not in {item.id for item in page.conversations}]
        except AuthError:
            raise
        except SourceError as error:
            self._failures, self._in_a_row = self._failures + 1, self._in_a_row + 1
            self._look_up_rest(left, error)
        else:
            self._in_a_row = 0
            now = self._ingest.clock()
            with self._ingest.archive.transaction():
                self._ingest.archive.ledger.absent(left, due=now + SOONEST_RECHECK, now=now)

    def _look_up_rest(self, left: Sequence[str], error: SourceError) -> None:
        if len(left) > 1 and self._failures <= _MOST_FAILURES and self._in_a_row <= _MOST_IN_A_ROW:
            self._look_up(left[: len(left) // 2])
            self._look_up(left[len(left) // 2 :])
            return
        for id_ in left[:1]:
            more = f" and {len(left) - 1} more" if len(left) > 1 else ""
            self._ingest.progress.say(f"conversation {id_}{more} can't be looked up: {error.message}")
        now = self._ingest.clock()
        with self._ingest.archive.transaction():
            self._ingest.archive.ledger.postpone(left, due=now + SOONEST_RECHECK, now=now)
