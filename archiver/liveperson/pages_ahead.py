"""Requests the pages of one query before they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from archiver.ahead import Later
from archiver.received import Page

MOST_AHEAD = 3  # requests of one query that are under way at once, within the account's rate


class PagesAhead:
    """The pages of one query by their offsets. `fetch` requests one."""

    def __init__(self, fetch: Callable[[int], Page]) -> None:
        self._fetch = fetch
        self._asked: dict[int, Later[Page]] = {}

    def at(self, offset: int) -> Page:
        """The page at an offset. Raises what its request raised."""
        asked = self._asked.pop(offset, None)
        return asked.result() if asked else self._fetch(offset)

    def expect(self, offsets: Iterable[int]) -> None:
        """Requests the next pages in the background; those that were requested and are not expected are forgotten."""
        wanted = islice(offsets, MOST_AHEAD)
        self._asked = {offset: self._asked.get(offset) or Later(partial(self._fetch, offset)) for offset in wanted}
