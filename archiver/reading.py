"""What an archive answers: searches, counts, transcripts. The part of `archiver.app.Archive` that only reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from archiver.access import View
from archiver.archive import ArchiveFile
from archiver.config import Settings
from archiver.errors import known_word
from archiver.index import (
    PATIENCE_S,
    Counting,
    Counts,
    Histogram,
    Hit,
    Neighbours,
    Readiness,
    RecentReadings,
    Request,
    Search,
    Seen,
    Sort,
    StoreAdmin,
    TermCount,
    count_terms,
    found_ids,
    make_ready,
    neighbours,
    numbered_versions,
    other_transcripts,
    read_cursor,
    read_version,
)
from archiver.intervals import Interval
from archiver.logs import EventLogger
from archiver.model import Transcript
from archiver.progress import Progress
from archiver.query import Query, Scope, parse
from archiver.transcript import project
from archiver.value import replace

if TYPE_CHECKING:
    from archiver.archive import HistoryEntry, Record
    from archiver.index import NumberedVersion

_log = EventLogger("app")


class ArchiveReader:
    """Needs the archive's file and index, which the class that composes them has. `view` is what of it may be seen.
    `index_patience_s`: how long a search waits for an index that somebody else writes; `is_index_written_elsewhere`: no
    search writes it. `recent`: conversations that were read lately, which archives in one process may share.
    `reader_zone`: the time zone that whoever reads has chosen, if not the archive's.
    """

    index_patience_s: float = PATIENCE_S
    is_index_written_elsewhere: bool = False
    recent: RecentReadings | None = None
    reader_zone: tzinfo | None = None
    settings: Settings
    view: View
    _progress: Progress

    @property
    def file(self) -> ArchiveFile:
        raise NotImplementedError

    @property
    def store(self) -> StoreAdmin:
        raise NotImplementedError

    def now(self) -> datetime:
        raise NotImplementedError

    @property
    def zone(self) -> tzinfo:
        """The time zone of the days in queries, and of the times that are shown. Raises ConfigError."""
        return self.reader_zone or self.settings.zone

    def _made_ready(self) -> Readiness:
        return make_ready(
            self.file, self.store, self._progress, self.index_patience_s,
            is_written_elsewhere=self.is_index_written_elsewhere,
        )  # fmt: skip

    def search(
        self, query: str | Query = "", *, scope: str = "conversation", sort: str = "newest", limit: int | None = None,
        after: str | None = None,
    ) -> Search:  # fmt: skip
        """The hits of a query, fetched while they are iterated, after the index was brought up to date.

        `scope` is `conversation` or `message`; `sort` is one of `index.Sort`, such as `newest` or `relevance` (with a
        `limit`); without `limit` all hits, with 0 none; `after` is the cursor of an earlier page. Raises QueryError,
        ConfigError, StoreError.
        """
        parsed = self.parse(query)
        area, order = Scope(known_word(scope, Scope, "scope")), Sort(known_word(sort, Sort, "sort"))
        request = Request(parsed, area, order, limit, read_cursor(after, order) if after is not None else None)
        ready = self._made_ready()
        return Search(self.file, self.store, request, ready, seen=self._seen(), recent=self.recent)

    def counting(self, query: str | Query = "", *, scope: str = "conversation") -> Counting:
        """Counts the results of a query by facets and intervals; logs a warning if the index is not up to date.

        Raises QueryError, ConfigError, StoreError.
        """
        area = Scope(known_word(scope, Scope, "scope"))
        parsed = self._parse_when_ready(query)
        return Counting(self.store, parsed, area, self.zone, hidden=self.view.hidden_facets)

    def count_by(
        self, query: str | Query, *facets: str, scope: str = "conversation", limit: int = 20
    ) -> Mapping[str, Counts]:
        """For each facet, the `limit` most frequent values of the results, and how many have none.

        Raises QueryError, ConfigError, StoreError.
        """
        counting = self.counting(query, scope=scope)
        counting.count_ahead(facets)
        return {facet: counting.by(facet, limit) for facet in facets}

    def histogram(
        self, query: str | Query = "", interval: str | None = None, *, scope: str = "conversation"
    ) -> Histogram:
        """How many results there are in each `hour`, `day`, `week`, `month`, `quarter` or `year`, by default one that
        fits. Raises QueryError, ConfigError, StoreError.
        """
        chosen = None if interval is None else Interval(known_word(interval, Interval, "interval"))
        return self.counting(query, scope=scope).histogram(chosen)

    def count_terms(self, queries: Sequence[str]) -> tuple[list[TermCount], tuple[str, ...]]:
        """What each of many queries finds, with what a reader has to know about the index. Raises StoreError."""
        ready = self._made_ready()
        return list(count_terms(self.store, queries, self.parse)), ready.notices

    def transcript(self, conversation_id: str) -> Transcript:
        """The current version of a conversation, with the earlier texts of its messages. Raises NotFound."""
        transcript = read_version(self.file.vault, self.file.vault.current(conversation_id)).transcript
        self.view.check(transcript)
        return self.view.text_of(transcript, self._others(conversation_id))

    def neighbours(self, transcript: Transcript, query: str | Query = "") -> Neighbours:
        """The conversations that started directly before and after one, of those that a query finds. Raises QueryError,
        StoreError.
        """
        parsed = self.parse(query)
        self._made_ready()
        return neighbours(self.store, parsed, transcript)

    def _others(self, conversation_id: str) -> list[Transcript]:
        """The other versions of a conversation, if they are needed to know what is to be hidden."""
        return [] if self.view.person.sees_personal_data else other_transcripts(self.file.vault, conversation_id)

    def _seen(self) -> Seen:
        """What a search shows to whoever asks."""

        def hit(found: Hit) -> Hit:
            return self.view.hit(found, lambda: self._others(found.transcript.id))

        return Seen(hit, self.view.hidden_facets, self.view.rule, advises=self.view.is_whole)

    def raw(self, conversation_id: str) -> bytes:
        """The current version of a conversation, exactly as LivePerson returned it. Raises NotFound, AccessDenied."""
        self.check_seen(conversation_id)
        self.view.check_raw()
        return self.file.vault.current(conversation_id).raw

    def history(self, conversation_id: str) -> list[HistoryEntry]:
        """Every version of a conversation and every event about it, oldest first. Raises NotFound."""
        self.check_seen(conversation_id)
        return self.file.vault.history(conversation_id)

    def versions(self, conversation_id: str) -> list[NumberedVersion]:
        """Every version of a conversation, oldest first, numbered from 1. Raises NotFound, IntegrityError."""
        self.check_seen(conversation_id)
        versions = numbered_versions(self.file.vault, conversation_id)
        texts = [version.transcript for version in versions if version.transcript]
        return [
            replace(version, transcript=self.view.text_of(version.transcript, texts)) if version.transcript else version
            for version in versions
        ]

    def transcripts(self, query: str | Query = "") -> Iterator[Transcript]:
        """The transcripts of the conversations that match a query, oldest first; without one all, in the order of the
        vault.
        """
        records = self._records(query)
        return (self.view.text_of(project(record.raw), self._others(record.conversation_id)) for record in records)

    def records(self, query: str | Query = "") -> Iterator[Record]:
        """The conversations that match a query, oldest first; without one all, in the order of the vault. Raises
        AccessDenied unless personal data may be seen.
        """
        self.view.check_raw()
        return self._records(query)

    def _records(self, query: str | Query) -> Iterator[Record]:
        if self.parse(query).is_everything:
            return self.file.vault.after(0)
        parsed = self._parse_when_ready(query)
        return (self.file.vault.current(id_) for id_ in found_ids(self.store, parsed))

    def records_by_start(self, query: str | Query = "") -> Iterator[Record]:
        """The conversations that match a query, or all, oldest first: a moment of the archive always gives the same
        order. Raises AccessDenied unless personal data may be seen.
        """
        self.view.check_raw()
        parsed = self.parse(query)
        if parsed.is_everything:
            return map(self.file.vault.current, self.file.vault.ids_by_start())
        return self._records(parsed)

    def parse(self, query: str | Query, *, at: datetime | None = None, zone: tzinfo | None = None) -> Query:
        """The meaning of a query. Days such as 90d are those of a moment and zone, by default now and `zone`.
        Raises QueryError.
        """
        if isinstance(query, str):
            query = parse(query, now=at or self.now(), zone=zone or self.zone)
        return self.view.within(query)

    def check_seen(self, conversation_id: str) -> None:
        """Raises NotFound if a conversation is not in the archive, or not for whoever asks."""
        if not self.view.is_of_all:
            self.transcript(conversation_id)

    def _parse_when_ready(self, query: str | Query) -> Query:
        parsed = self.parse(query)
        for notice in self._made_ready().notices:
            _log.warning("index.stale", notice)
        return parsed
