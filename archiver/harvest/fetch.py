"""Fetches single conversations into the archive, by their ids or by their consumer, whenever they started."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from archiver.archive import ArchiveFile
from archiver.errors import BadAnswer, SourceError, Unproven
from archiver.harvest.ingest import Ingest
from archiver.harvest.look_up import look_up
from archiver.harvest.source import Source
from archiver.liveperson import MOST_PER_PAGE
from archiver.progress import Progress
from archiver.received import Page
from archiver.value import Value


class Fetched(Value):
    """The result of a fetch. `absent`: ids and consumers without conversations at LivePerson (any more). `faults`: what
    could not be proven complete; whatever was received is kept all the same.
    """

    conversations: int = 0
    new: int = 0
    quarantined: int = 0
    absent: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Fetch:
    """Safe to repeat, and to run beside a harvest. Raises SourceError, ArchiveError."""

    def __init__(
        self, source: Source, archive: ArchiveFile, *, clock: Callable[[], datetime], progress: Progress
    ) -> None:
        self._ingest = Ingest(source, archive, clock=clock, progress=progress)
        self._seen: set[str] = set()
        self._absent: list[str] = []
        self._faults: list[str] = []

    def run(self, ids: Sequence[str], consumers: Sequence[str] = ()) -> Fetched:
        """Fetches every conversation with one of the ids, and every conversation of the consumers, in full."""
        wanted, people = list(dict.fromkeys(ids)), list(dict.fromkeys(consumers))
        ingest, progress = self._ingest, self._ingest.progress
        progress.start("fetch", len(wanted) + len(people), "ids" if wanted else "consumers")
        try:
            for start in range(0, len(wanted), MOST_PER_PAGE):
                chunk = wanted[start : start + MOST_PER_PAGE]
                self._by_ids(chunk)
                progress.advance(len(chunk), new=ingest.new)
            for consumer in people:
                self._by_consumer(consumer)
                progress.advance(1, new=ingest.new)
        finally:
            progress.finish()
        return Fetched(len(self._seen), ingest.new, ingest.quarantined, tuple(self._absent), tuple(self._faults))

    def _by_ids(self, ids: Sequence[str]) -> None:
        absent, failures = look_up(ids, self._ask, self._keep, may_halve=_is_bad_answer)
        self._absent += absent
        for failure in failures:
            message = failure.error.message
            self._faults.append(f"conversation {failure.ids[0]}: {message}" if failure.ids else message)

    def _ask(self, ids: Sequence[str]) -> Iterator[Page]:
        return self._ingest.source.by_ids(ids)

    def _by_consumer(self, consumer: str) -> None:
        """The search leaves out SDEs and thumbnails, so each conversation is looked up by its id."""
        count = 0
        try:
            for page in self._ingest.source.by_consumer(consumer):
                count += len(page)
                completed = self._ingest.complete(page)
                self._ingest.keep(completed)
                self._seen.update(item.id for item in completed.records)
                shallow = sorted(item.id for item in completed.records if not item.is_deep)
                if shallow:
                    self._faults.append(f"consumer {consumer}: kept as the search gave them: {', '.join(shallow)}")
        except (BadAnswer, Unproven) as error:
            self._faults.append(f"consumer {consumer}: {error.message}")
        else:
            if not count:
                self._absent.append(consumer)

    def _keep(self, page: Page) -> None:
        self._ingest.keep_page(page)
        self._seen.update(conversation.id for conversation in page.conversations)


def _is_bad_answer(error: SourceError) -> bool:
    """Whether another request may help: the response was unreadable or incomplete. Any other error ends the command."""
    if not isinstance(error, BadAnswer | Unproven):
        raise error
    return True
