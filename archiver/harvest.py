"""From LivePerson into the vault: plan → ask → keep and record → seal what is proven complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from archiver import visits, windows
from archiver.archive import Archive
from archiver.errors import AuthError, SourceError, SourceUnavailable
from archiver.ledger import OPEN, PROVISIONAL, SEALED, Reading, Run
from archiver.liveperson.filters import MOST_PER_PAGE
from archiver.model import Conversation, Page, Window
from archiver.progress import Progress
from archiver.tally import Tally, Union, digest

_TRIES, _TRIES_AT_THE_FLOOR = 3, 10
_SWEPT = "swept"
_MOST_FAILURES, _MOST_BAD_WINDOWS = 20, 20
_MOST_PER_WINDOW = 2_000  # a longer answer gives pages more time to shift: split first


NO_PAGE = Page((), (), 0, True)


class Source(Protocol):
    """What a harvest asks: LivePerson's search and look-up by id (`archiver.liveperson.api.ContactCenter`)."""

    def pages(self, span: Window) -> Iterator[Page]: ...

    def updated(self, span: Window, since: datetime) -> Iterator[Page]: ...

    def by_ids(self, ids: Sequence[str], *, is_brief: bool = False) -> Iterator[Page]: ...

    def in_full(self, conversations: Sequence[Conversation]) -> tuple[list[Conversation], str | None]: ...


@dataclass(frozen=True, slots=True)
class Summary:
    """What a harvest did. `conversations` started in the windows read; `unproven` windows have their reason."""

    windows: int = 0
    conversations: int = 0
    new: int = 0
    aside: int = 0
    unproven: tuple[tuple[Window, str], ...] = ()


class _TooMany(Exception):
    """More than a window should hold: by what the first page announced, or because its pages do not fit together."""


class Harvest:
    """One pass over a span. A pass that was interrupted is taken up where it stopped."""

    def __init__(
        self, source: Source, archive: Archive, *, clock: Callable[[], datetime], progress: Progress, content: str = ""
    ) -> None:
        self._source = source
        self._archive = archive
        self._clock = clock
        self._progress = progress
        self._content = content
        self._new = 0
        self._conversations = 0
        self._aside = 0
        self._failures = 0
        self._bad_windows = 0

    def run(self, span: Window) -> Summary:
        """Reads every window of the span that this run has not sealed yet, and looks again at what was open before.

        Raises Locked, SourceError, ArchiveError.
        """
        archive, ledger = self._archive, self._archive.ledger
        with self._alone():
            with archive.transaction():
                run = ledger.begin(span, self._clock())
            planned = list(windows.plan(span, ledger.sealed(run)))
            unproven = self._read_all(planned, run)
            self._look_again(run)
            with archive.transaction():
                ledger.finish(run, self._clock())
            return Summary(len(planned), self._conversations, self._new, self._aside, tuple(unproven))

    def sweep(self, span: Window) -> int:
        """Reads every conversation of the span that changed since the last sweep; how many were new or changed.

        The first sweep only notes where the next one begins. One that is not proven whole is done again by the next.
        """
        archive, began = self._archive, self._clock()
        before = self._new
        with self._alone():
            since = archive.ledger.marked(_SWEPT)
            is_whole = since is None or self._sweep(span, since - windows.SWEEP_OVERLAP)
            if is_whole:
                with archive.transaction():
                    archive.ledger.mark(_SWEPT, began)
        return self._new - before

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this process is the archive's one harvester."""
        archive, ledger = self._archive, self._archive.ledger
        with archive.transaction():
            ledger.take_lease(self._clock())
        try:
            yield
        finally:
            self._progress.finish()
            with archive.transaction():
                ledger.release_lease()

    def _sweep(self, span: Window, since: datetime) -> bool:
        """Whether every part of the span was proven whole."""
        parts = list(windows.plan(span, width=windows.SWEEP_WIDTH))
        self._progress.start("look for changes", len(parts), "spans")
        is_whole = True
        for part in parts:
            try:
                for page in self._source.updated(part, since):
                    self._keep_page(page)
            except SourceError as error:
                if isinstance(error, AuthError | SourceUnavailable):
                    raise
                self._progress.say(f"changes of {part} are not proven whole: {error.message}")
                is_whole = False
            self._progress.advance(1, new=self._new)
        return is_whole

    def _look_again(self, run: Run) -> None:
        """At conversations that were open or cut short when they were last seen, and were not met in this run."""
        self._failures = 0
        while ids := self._archive.ledger.watched(run.started_at, windows.FOR_EVER, MOST_PER_PAGE):
            self._look_up(ids)
            if self._failures > _MOST_FAILURES:
                self._progress.say("open conversations can't be looked up now; the next harvest does")
                return

    def _look_up(self, ids: Sequence[str]) -> None:
        """In halves where that fails: what spoils the answer may be one conversation only."""
        left = list(ids)
        try:
            for page in self._source.by_ids(ids, is_brief=True):
                self._keep_page(page)
                left = [id_ for id_ in left if id_ not in {item.id for item in page.conversations}]
        except AuthError:
            raise
        except SourceError as error:
            self._failures += 1
            self._look_up_rest(left, error)
        else:
            with self._archive.transaction():
                self._archive.ledger.unwatch(left)

    def _look_up_rest(self, left: Sequence[str], error: SourceError) -> None:
        if len(left) > 1 and self._failures <= _MOST_FAILURES:
            self._look_up(left[: len(left) // 2])
            self._look_up(left[len(left) // 2 :])
            return
        for id_ in left[:1]:
            self._progress.say(f"conversation {id_} can't be looked up: {error.message}")
        with self._archive.transaction():
            now = self._clock()
            self._archive.ledger.postpone(left, due=now + visits.SOONEST, now=now)

    def _keep_page(self, page: Page) -> None:
        kept, now = self._deepened(page.conversations), self._clock()
        with self._archive.transaction():
            self._archive.ledger.keep_lease(now)
            self._new += self._archive.keep(kept, page.unreadable, now)
        self._aside += len(page.unreadable)

    def _read_all(self, planned: list[Window], run: Run) -> list[tuple[Window, str]]:
        self._progress.start("harvest", len(planned), "windows")
        unproven: list[tuple[Window, str]] = []
        for window in planned:
            for part, reason in self._read(window, run):
                self._progress.say(f"not proven complete: {part}: {reason}")
                unproven.append((part, reason))
            self._progress.advance(1, conversations=self._conversations, new=self._new)
        return unproven

    def _read(self, window: Window, run: Run) -> Iterator[tuple[Window, str]]:
        """Reads a window until it is proven complete, in halves if that may help; yields what is not proven."""
        halves = windows.split(window)
        try:
            tally = self._read_until_proven(window, run, may_split=halves is not None)
            if halves and self._would_halves_help(tally):
                raise _TooMany
            self._conversations += len(tally.inside)
            if tally.fault:
                yield window, tally.fault
        except _TooMany:
            for half in halves or ():
                yield from self._read(half, run)

    def _read_until_proven(self, window: Window, run: Run, *, may_split: bool) -> Tally:
        """The last of a few readings. A window that can't be split may also be proven by what several had together."""
        union = Union()
        for _ in range(_TRIES if may_split else _TRIES_AT_THE_FLOOR):
            tally = self._read_once(window, run, may_split=may_split)
            if tally.fault is None:
                break
            if not may_split and union.settles(tally):
                with self._archive.transaction():
                    self._record(window, tally, run, self._clock())
                break
        return tally

    def _would_halves_help(self, tally: Tally) -> bool:
        """A window of one page can't shift while it is read; and one spoilt record spoils only its own half.

        Raises SourceUnavailable if LivePerson's answers have been unreadable for too many windows in a row.
        """
        self._bad_windows = self._bad_windows + 1 if tally.is_bad else 0
        if self._bad_windows > _MOST_BAD_WINDOWS:
            raise SourceUnavailable(
                f"LivePerson's answers can't be read, window after window: {tally.fault}",
                hint="Run the same command again later; it goes on where it stopped.",
            )
        return bool(tally.fault) and (tally.announced > MOST_PER_PAGE or tally.is_bad)

    def _read_once(self, window: Window, run: Run, *, may_split: bool) -> Tally:
        """One pass over a window's pages. The last page is kept last, together with what the window came to."""
        tally = Tally()
        pages = tally.until_fault(self._source.pages(windows.widen(window)))
        page = next(pages, NO_PAGE)
        if may_split and page.total > _MOST_PER_WINDOW:
            raise _TooMany
        for following in pages:
            self._keep(page, window, tally, None)
            page = following
        self._keep(page, window, tally, run)
        return tally

    def _keep(self, page: Page, window: Window, tally: Tally, sealing: Run | None) -> None:
        """One transaction: the page, what is to be watched, and with the last page what the window came to."""
        kept = self._deepened(page.conversations)
        now = self._clock()
        with self._archive.transaction():
            self._archive.ledger.keep_lease(now)
            new = self._archive.keep(kept, page.unreadable, now)
            tally.count(page, window, new)
            if sealing:
                self._record(window, tally, sealing, now)
        self._new += new
        self._aside += len(page.unreadable)

    def _record(self, window: Window, tally: Tally, run: Run, now: datetime) -> None:
        is_young = window.end > now - windows.SETTLE
        reading = Reading(
            window=window,
            state=OPEN if tally.fault else PROVISIONAL if is_young else SEALED,
            expected=tally.announced,
            seen=len(tally.ids),
            inside=len(tally.inside),
            new=tally.new,
            content=self._content,
            reason=tally.fault,
            ids=digest(tally.inside),
        )
        if tally.announced or tally.ids or not tally.fault or not self._archive.ledger.is_sealed(window):
            self._archive.record(reading, run=run, now=now)

    def _deepened(self, conversations: tuple[Conversation, ...]) -> list[Conversation]:
        """The same conversations; those that the search cut short, or that have changed, by their full records."""
        partial = [conversation for conversation in conversations if conversation.is_partial]
        changed = [item for item in self._archive.vault.changed(conversations) if not item.is_partial]
        found, _ = self._source.in_full([*partial, *changed])  # those that stay partial are watched
        full = {conversation.id: conversation for conversation in found}
        return [full.get(conversation.id, conversation) for conversation in conversations]
