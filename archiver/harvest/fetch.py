"""Conversations brought into the archive at once, by their ids or by their consumer, whenever they started."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archiver.archive import Archive
from archiver.errors import BadAnswer, Unproven
from archiver.liveperson import MOST_PER_PAGE
from archiver.model import Conversation, Page
from archiver.progress import Progress


class Source(Protocol):
    """What is asked: LivePerson's look-ups (`archiver.liveperson.api.Client`)."""

    def by_ids(self, ids: Sequence[str]) -> Iterator[Page]: ...

    def in_full(self, conversations: Sequence[Conversation]) -> tuple[list[Conversation], str | None]: ...

    def by_consumer(self, consumer: str) -> Iterator[Page]: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came. `absent` are the ids and consumers that LivePerson has nothing of (any more).

    `faults` say what could not be proven whole; what did come is kept all the same.
    """

    conversations: int = 0
    new: int = 0
    aside: int = 0
    absent: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Fetch:
    """Safe to repeat, and beside a running harvest. Raises SourceError, ArchiveError."""

    def __init__(self, source: Source, archive: Archive, *, clock: Callable[[], datetime], progress: Progress) -> None:
        self._source = source
        self._archive = archive
        self._clock = clock
        self._progress = progress
        self._seen: set[str] = set()
        self._new = 0
        self._aside = 0
        self._absent: list[str] = []
        self._faults: list[str] = []

    def run(self, ids: Sequence[str], consumers: Sequence[str] = ()) -> Fetched:
        """Every conversation with one of the ids, and every one of the consumers, in full."""
        wanted = list(dict.fromkeys(ids))
        people = list(dict.fromkeys(consumers))
        self._progress.start("fetch", len(wanted) + len(people), "ids" if wanted else "consumers")
        try:
            for start in range(0, len(wanted), MOST_PER_PAGE):
                chunk = wanted[start : start + MOST_PER_PAGE]
                self._by_ids(chunk)
                self._progress.advance(len(chunk), new=self._new)
            for consumer in people:
                self._by_consumer(consumer)
                self._progress.advance(1, new=self._new)
        finally:
            self._progress.finish()
        return Fetched(len(self._seen), self._new, self._aside, tuple(self._absent), tuple(self._faults))

    def _by_ids(self, ids: Sequence[str]) -> None:
        left = list(ids)
        try:
            for page in self._source.by_ids(ids):
                self._keep(page.conversations, page)
                left = [id_ for id_ in left if id_ not in self._seen]
        except (BadAnswer, Unproven) as error:
            self._by_halves(left, error.message)
        else:
            self._absent += left

    def _by_halves(self, left: Sequence[str], fault: str) -> None:
        """After an answer that was no good: what spoils it may be one conversation only."""
        if len(left) < 2:
            self._faults.append(f"conversation {left[0]}: {fault}" if left else fault)
            return
        self._by_ids(left[: len(left) // 2])
        self._by_ids(left[len(left) // 2 :])

    def _by_consumer(self, consumer: str) -> None:
        """The search cuts SDEs and thumbnails, so each conversation is looked up by its id."""
        count = 0
        try:
            for page in self._source.by_consumer(consumer):
                count += len(page)
                kept, fault = self._source.in_full(page.conversations)
                if fault:
                    self._faults.append(f"consumer {consumer}: kept as the search gave them: {fault}")
                self._keep(kept, page)
        except (BadAnswer, Unproven) as error:
            self._faults.append(f"consumer {consumer}: {error.message}")
        else:
            if not count:
                self._absent.append(consumer)

    def _keep(self, conversations: Sequence[Conversation], page: Page) -> None:
        with self._archive.transaction():
            self._new += self._archive.keep(conversations, page.unreadable, self._clock())
        self._seen.update(conversation.id for conversation in conversations)
        self._aside += len(page.unreadable)
