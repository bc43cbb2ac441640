"""Looks conversations up by their ids: those that may have changed, and any requested ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.errors import AuthError, SourceError
from archiver.harvest.halving import halves, work_through
from archiver.harvest.ingest import Ingest
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger
from archiver.model import Page

_log = EventLogger("harvest")
_MOST_FAILURES = 20
_MOST_IN_A_ROW = 4  # mean that the server is down; isolating one bad conversation takes fewer


@dataclass(frozen=True, slots=True)
class Failure:
    """Ids whose look-up failed, and why. `ids` is empty if the response as a whole is not proven complete."""

    ids: Sequence[str]
    error: SourceError


def look_up(
    ids: Sequence[str], ask: Callable[[Sequence[str]], Iterator[Page]], keep: Callable[[Page], None], *,
    may_halve: Callable[[SourceError], bool],
) -> tuple[list[str], list[Failure]]:  # fmt: skip
    """Looks ids up and keeps each page; returns the ids that LivePerson does not have, and the failures.

    Ids whose look-up fails are tried again in halves, because one conversation may spoil the response for all.
    `may_halve` is called with each error, decides whether to go on, and may raise to cancel everything.
    """
    absent: list[str] = []
    failures: list[Failure] = []

    def attempt(part: Sequence[str]) -> Sequence[Sequence[str]]:
        missing = list(part)
        try:
            for page in ask(part):
                keep(page)
                given = {item.id for item in page.conversations}
                missing = [id_ for id_ in missing if id_ not in given]
        except SourceError as error:
            if may_halve(error) and len(missing) > 1:
                return halves(missing)
            failures.append(Failure(missing, error))
        else:
            absent.extend(missing)
        return ()

    work_through(ids, attempt)
    return absent, failures


class Lookups:
    """Looks up again the conversations that are open, truncated, recently closed, or had fewer messages than before."""

    def __init__(self, ingest: Ingest) -> None:
        self._ingest = ingest
        self._failures = 0
        self._in_a_row = 0

    def recheck_some(self, *, seen_before: datetime, due_by: datetime | None) -> bool:
        """Looks up to a hundred conversations that are due; whether there were any."""
        ids = self._ingest.archive.ledger.watched(seen_before, due_by, MOST_PER_PAGE)
        self._failures = self._in_a_row = 0
        if ids:
            self._recheck(ids)
        return bool(ids)

    def recheck_all(self, *, seen_before: datetime, due_by: datetime | None) -> None:
        """Looks up all that are due; stops if LivePerson fails at too many of them."""
        while self.recheck_some(seen_before=seen_before, due_by=due_by):
            if not self._may_go_on():
                _log.warning("lookup.stopped", "open conversations can't be looked up now; the next harvest does it")
                return

    def _recheck(self, ids: Sequence[str]) -> None:
        absent, failures = look_up(ids, self._ask, self._keep, may_halve=self._may_halve)
        now = self._ingest.clock()
        self._ingest.archive.note_absent(absent, now)
        for failure in failures:
            if failure.ids:
                more = f" and {len(failure.ids) - 1} more" if len(failure.ids) > 1 else ""
                message = f"conversation {failure.ids[0]}{more} can't be looked up: {failure.error.message}"
                _log.warning("lookup.failed", message, conversations=len(failure.ids), code=failure.error.code)
            self._ingest.archive.postpone_lookups(failure.ids, now)

    def _ask(self, ids: Sequence[str]) -> Iterator[Page]:
        return self._ingest.source.by_ids(ids, is_brief=True)

    def _keep(self, page: Page) -> None:
        self._in_a_row = 0
        self._ingest.keep_as_given(page, page.conversations)

    def _may_halve(self, error: SourceError) -> bool:
        if isinstance(error, AuthError):
            raise error
        self._failures, self._in_a_row = self._failures + 1, self._in_a_row + 1
        return self._may_go_on()

    def _may_go_on(self) -> bool:
        return self._failures <= _MOST_FAILURES and self._in_a_row <= _MOST_IN_A_ROW
