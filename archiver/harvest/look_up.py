"""Looks conversations up by their ids, also where one of them spoils the response for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from archiver.errors import AuthError, RateLimited, SourceError
from archiver.harvest.halving import halves, work_through
from archiver.harvest.source import Source
from archiver.received import Page
from archiver.value import Value

_MOST_FAILURES = 20
_MOST_IN_A_ROW = 4  # mean that look-ups do not work now; isolating one bad conversation takes fewer
Keep = Callable[[Page], object]


class Tolerance:
    """How many look-ups may fail: isolating bad conversations costs a few, and a server that is down is left alone."""

    def __init__(self) -> None:
        self._failures = self._in_a_row = 0

    def look_up(self, ids: Sequence[str], source: Source, keep: Keep) -> tuple[list[str], list[Failure]]:
        """Looks ids up as the function `look_up` does, without long waits for a failing server. Stops after too many
        failures; raises an error that another look-up would only repeat.
        """

        def kept(page: Page) -> None:
            self._in_a_row = 0
            keep(page)

        return look_up(ids, lambda part: source.by_ids(part, is_brief=True), kept, may_halve=self._may_halve)

    def _may_halve(self, error: SourceError) -> bool:
        if isinstance(error, AuthError | RateLimited):
            raise error
        self._failures, self._in_a_row = self._failures + 1, self._in_a_row + 1
        return self.may_go_on

    @property
    def may_go_on(self) -> bool:
        return self._failures <= _MOST_FAILURES and self._in_a_row <= _MOST_IN_A_ROW


class Failure(Value):
    """Ids whose look-up failed, and why. `ids` is empty if the response as a whole is not proven complete."""

    ids: Sequence[str]
    error: SourceError


def look_up(
    ids: Sequence[str], ask: Callable[[Sequence[str]], Iterator[Page]], keep: Keep, *,
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
