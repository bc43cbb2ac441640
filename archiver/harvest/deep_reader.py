"""Reads by their ids the conversations that a search found, because only that returns all of their SDEs and thumbnails.

Pages: Messaging Interactions API, Get Conversation by Conversation ID; Engagement Attributes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archiver.errors import BadAnswer, Unproven
from archiver.harvest.look_up import Tolerance
from archiver.harvest.source import Source
from archiver.liveperson import MOST_PER_PAGE
from archiver.logs import EventLogger
from archiver.model import CELL, Window
from archiver.received import Conversation, Page, Unreadable
from archiver.windows import floor

_log = EventLogger("harvest")
_PAUSE = timedelta(minutes=15)


@dataclass(slots=True)
class Found:
    """Records by conversation id, and those that could not be read."""

    records: dict[str, Conversation] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)

    def add(self, page: Page) -> None:
        self.records.update((item.id, item) for item in page.conversations)
        self.unreadable += page.unreadable


class DeepReader:
    """Look-ups by id, and what a search returns of conversations that they do not return."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._failed_at: datetime | None = None

    def is_paused(self, now: datetime) -> bool:
        """Whether look-ups failed so often a short time ago that searches had better return whole records."""
        return self._failed_at is not None and self._failed_at <= now < self._failed_at + _PAUSE

    def by_ids(self, ids: Sequence[str], now: datetime) -> Found:
        """What the look-ups return. Raises AuthError, RateLimited; any other failure only leaves conversations out."""
        found = Found()
        for start in range(0, len(ids), MOST_PER_PAGE):
            if self.is_paused(now):
                break
            tolerance = Tolerance()
            tolerance.look_up(ids[start : start + MOST_PER_PAGE], self._source, found.add)
            if not tolerance.may_go_on:
                _log.warning("lookup.paused", "look-ups by id fail; records are kept as the search returns them")
                self._failed_at = now
        return found

    def by_search(self, conversations: Iterable[Conversation]) -> Found:
        """What a search with whole records returns of conversations. Raises SourceError if LivePerson fails at it."""
        found = Found()
        starts = [item.started_at for item in conversations if item.started_at]
        if not starts:
            return found
        try:
            for page in self._source.pages(Window(floor(min(starts)), floor(max(starts)) + CELL)):
                found.add(page)
        except (BadAnswer, Unproven) as error:
            _log.warning("search.unproven", f"not all of a search's records arrived: {error.message}", code=error.code)
        return found
