"""One window of LivePerson's conversations, read until it is proven complete, or named with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver import windows
from archiver.archive import OPEN, PROVISIONAL, SEALED, Reading, Run
from archiver.errors import BadAnswer, RateLimited, SourceError, SourceUnavailable, Unproven
from archiver.harvest.ingest import Ingest
from archiver.harvest.prefetch import Prefetcher
from archiver.harvest.tally import RepeatedReads, WindowTally, digest
from archiver.liveperson import MOST_PER_PAGE, Status
from archiver.model import NO_PAGE, Page, Window
from archiver.rawrecord import latest_skill

_TRIES, _TRIES_AT_THE_FLOOR = 3, 10
_MOST_BAD_WINDOWS = 20
_MOST_PER_WINDOW = 2_000  # a longer answer gives pages more time to shift: split first
_WINDOWS_AHEAD = 2

Named = tuple[Window, str]


class _TooMany(Exception):
    """More than a window should hold: by what the first page announced, or because its pages do not fit together.

    With `is_unreadable` its answers could not be read, which says nothing about it.
    """

    def __init__(self, *, is_unreadable: bool = False) -> None:
        super().__init__()
        self.is_unreadable = is_unreadable


@dataclass(frozen=True, slots=True)
class _Begun:
    """A window whose first page was asked for: the page or what came instead, and the pages behind it."""

    window: Window
    asked_at: datetime
    first: Page
    rest: Iterator[Page]
    error: SourceError | None = None

    def pages(self) -> Iterator[Page]:
        if self.error:
            raise self.error
        yield self.first
        yield from self.rest


class WindowReader:
    """Reads windows for one run. `conversations` counts those that started in them."""

    def __init__(self, ingest: Ingest, *, content: str = "") -> None:
        self._ingest = ingest
        self._content = content
        self.conversations = 0
        self._bad_windows = 0

    def read_all(self, planned: Iterable[Window], run: Run | None) -> Iterator[tuple[Window, list[Named]]]:
        """Each window once it was read, with what of it is not proven. Asks for the next ones meanwhile.

        A window that LivePerson fails at is named like others; raises SourceUnavailable if it fails at the next, too.
        """
        ahead, is_down = Prefetcher((self._begin(window) for window in planned), most=_WINDOWS_AHEAD), False
        try:
            for begun in ahead:
                try:
                    named = list(self._read(begun.window, run, begun))
                    is_down = False
                except SourceUnavailable as error:
                    if is_down or isinstance(error, RateLimited):
                        raise
                    named, is_down = self.name(begun.window, run, error), True
                yield begun.window, self._said(named)
        finally:
            ahead.close()

    def _unseal(self, window: Window) -> None:
        """What was proven of it was of fewer, or can't be shown again in one piece."""
        with self._ingest.archive.transaction():
            self._ingest.archive.unseal(window, "read again in halves", self._ingest.clock())

    def name(self, window: Window, run: Run | None, error: SourceError) -> list[Named]:
        """Records that a window could not be read, as far as it was not proven complete before."""
        self._record_now(window, WindowTally(error.message), run)
        return [(window, error.message)]

    def read(self, window: Window, run: Run | None) -> list[Named]:
        """Reads one window; what of it is not proven, which is also said."""
        return self._said(list(self._read(window, run)))

    def _said(self, named: list[Named]) -> list[Named]:
        for part, reason in named:
            self._ingest.progress.say(f"not proven complete: {part}: {reason}")
        return named

    def _begin(self, window: Window) -> _Begun:
        asked_at, pages = self._ingest.clock(), self._ingest.source.pages(windows.widen(window))
        try:
            return _Begun(window, asked_at, next(pages, NO_PAGE), pages)
        except SourceError as error:
            return _Begun(window, asked_at, NO_PAGE, pages, error)

    def _read(self, window: Window, run: Run | None, begun: _Begun | None = None) -> Iterator[Named]:
        """Reads a window until it is proven complete, in halves if that may help; yields what is not proven."""
        halves = windows.split(window)
        try:
            tally = self._read_until_proven(window, run, begun, may_split=halves is not None)
            if halves and self._would_halves_help(tally):
                raise _TooMany(is_unreadable=tally.is_unreadable)
            self.conversations += len(tally.inside)
            if tally.fault:
                yield window, tally.fault
        except _TooMany as reason:
            if not reason.is_unreadable:
                self._unseal(window)
            for half in halves or ():
                yield from self._read(half, run)

    def _read_until_proven(
        self, window: Window, run: Run | None, begun: _Begun | None, *, may_split: bool
    ) -> WindowTally:
        """The last of a few readings. A window that can't be split may also be proven by what several had together."""
        union, tally = RepeatedReads(), WindowTally()
        for attempt in range(_TRIES if may_split else _TRIES_AT_THE_FLOOR):
            if attempt == 1 and not may_split and tally.announced > MOST_PER_PAGE:
                tally = self._read_parts(window, run)
            else:
                tally = self._read_once(window, run, begun if attempt == 0 else None, may_split=may_split)
            if tally.fault is None:
                break
            if not may_split and union.settles(tally):
                self._record_now(window, tally, run)
                break
        return tally

    def _would_halves_help(self, tally: WindowTally) -> bool:
        """A window of one page can't shift while it is read; and one spoilt record spoils only its own half.

        Raises SourceUnavailable if LivePerson's answers have been unreadable for too many windows in a row.
        """
        self._bad_windows = self._bad_windows + 1 if tally.is_unreadable else 0
        if self._bad_windows > _MOST_BAD_WINDOWS:
            raise SourceUnavailable(
                f"LivePerson's answers can't be read, window after window: {tally.fault}",
                hint="Run the same command again later; it goes on where it stopped.",
            )
        return bool(tally.fault) and (tally.announced > MOST_PER_PAGE or tally.is_unreadable)

    def _read_once(self, window: Window, run: Run | None, begun: _Begun | None, *, may_split: bool) -> WindowTally:
        """One pass over a window's pages. The last page is kept last, together with what the window came to."""
        tally = WindowTally(asked_at=begun.asked_at if begun else self._ingest.clock())
        asked = begun.pages() if begun else self._ingest.source.pages(windows.widen(window))
        pages = tally.until_fault(asked)
        page = next(pages, NO_PAGE)
        if may_split and page.total > _MOST_PER_WINDOW:
            raise _TooMany
        for following in pages:
            self._keep(page, window, tally)
            page = following
        self._keep(page, window, tally, run, is_last=True)
        return tally

    def _read_parts(self, window: Window, run: Run | None) -> WindowTally:
        """A full cell by status, and by skill where that is not enough: a part of one page can't shift.

        Open ones first: a conversation that closes meanwhile is seen twice, not never. All parts together must be as
        many as LivePerson announces for the cell before and after.
        """
        whole = WindowTally(
            "its parts are not proven to be all of it", is_reordered=True, asked_at=self._ingest.clock()
        )
        try:
            whole.announced = self._ingest.source.count(windows.widen(window))
            for status in (Status.OPEN, Status.CLOSED):
                for skill in sorted(self._read_part(window, whole, status)):
                    self._read_part(window, whole, status, skill)
            whole.is_reordered &= self._ingest.source.count(windows.widen(window)) == whole.announced
        except (BadAnswer, Unproven) as error:
            whole.fault, whole.is_reordered = error.message, False
        if RepeatedReads().settles(whole):
            self._record_now(window, whole, run)
        return whole

    def _read_part(self, window: Window, whole: WindowTally, status: Status, skill: int | None = None) -> set[int]:
        """The skills by which it has to be read again, if it was more than one page."""
        part, skills = WindowTally(), set[int]()
        only = () if skill is None else (skill,)
        for page in part.until_fault(
            self._ingest.source.pages(windows.widen(window), statuses=(status,), skill_ids=only)
        ):
            self._keep(page, window, part)
            skills |= {latest_skill(item.raw) for item in page.conversations}
        whole.add(part)
        return skills if part.announced > MOST_PER_PAGE and skill is None else set()

    def _keep(
        self, page: Page, window: Window, tally: WindowTally, run: Run | None = None, *, is_last: bool = False
    ) -> None:
        """Keeps a page; with the last one also what the window came to."""

        def count(new: int, now: datetime) -> None:
            tally.count(page, window, new)
            if is_last:
                self._record(window, tally, run, now)

        self._ingest.keep(page, count)

    def _record_now(self, window: Window, tally: WindowTally, run: Run | None) -> None:
        with self._ingest.archive.transaction():
            self._record(window, tally, run, self._ingest.clock())

    def _record(self, window: Window, tally: WindowTally, run: Run | None, now: datetime) -> None:
        archive = self._ingest.archive
        is_known = bool(tally.announced or tally.ids or not tally.fault)
        if is_known and not (self._starts_before_retention(window, now) and archive.ledger.is_sealed(window)):
            archive.record(self._reading(window, tally, now), run=run, now=now)
        elif not is_known:  # nothing was learned of it: what was proven stays so
            for part in windows.subtract(window, archive.ledger.sealed()):
                archive.record(self._reading(part, tally, now), run=run, now=now)

    def _reading(self, window: Window, tally: WindowTally, now: datetime) -> Reading:
        fault = tally.fault
        if fault is None and self._starts_before_retention(window, now):
            fault = "LivePerson does not keep all of this time any more"
        is_unsettled = window.end > (tally.asked_at or now) - windows.SETTLE
        return Reading(
            window=window,
            state=OPEN if fault else PROVISIONAL if is_unsettled else SEALED,
            expected=tally.announced,
            seen=len(tally.ids),
            inside=len(tally.inside),
            new=tally.new,
            content=self._content,
            reason=fault,
            ids=digest(tally.inside),
        )

    def _starts_before_retention(self, window: Window, now: datetime) -> bool:
        """Whether LivePerson does not keep the whole of a window, so that nothing proves that it is complete."""
        return window.start < windows.retention(now).start
