"""Reads windows of conversations until they are proven complete, or reported with the reason why they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from archiver import windows
from archiver.ahead import Prefetcher, in_order
from archiver.archive import Run, WindowReading
from archiver.errors import BadAnswer, RateLimited, SourceError, SourceUnavailable, Unproven, counted
from archiver.harvest.halving import work_through
from archiver.harvest.ingest import Ingest, LookedUp
from archiver.harvest.readings import note_readings, readings_of
from archiver.harvest.tally import RepeatedReads, WindowTally, named
from archiver.liveperson import MOST_PER_PAGE, Status
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.received import NO_PAGE, Page
from archiver.value import Value

_log = EventLogger("harvest")
_TRIES, _TRIES_OF_A_CELL = 3, 10
MOST_UNREADABLE = 20  # responses in a row that can't be read
_WINDOWS_AHEAD, _PAGES_AHEAD = 2, 3  # of pages, conversations are looked up while earlier ones are kept
Note = Callable[[Window, int], None]  # takes a window and how many conversations LivePerson announces for it


class Gap(Value):
    """A window that is not proven complete, and why. `is_cut`: only because a record in it is truncated or missing;
    `is_failure`: because LivePerson failed at it.
    """

    window: Window
    reason: str
    is_cut: bool = False
    is_failure: bool = False


class _SplitWindow(Exception):
    """A window has to be read in halves: it holds too much, its pages do not fit together, or they can't be read.

    `is_unreadable`: its responses could not be read, which does not affect an earlier proof.
    """

    def __init__(self, *, is_unreadable: bool = False) -> None:
        super().__init__()
        self.is_unreadable = is_unreadable


class _StartedRead(Value):
    """A window whose first page was requested: that page or the error, and the pages after it."""

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
    """Reads windows into the archive. `conversations` counts those that started in them."""

    def __init__(self, ingest: Ingest, *, content: str = "") -> None:
        self._ingest = ingest
        self._content = content
        self.conversations = 0
        self._unreadable_in_a_row = 0

    def read_all(
        self, planned: Iterable[Window], run: Run | None, *, note: Note = lambda window, announced: None
    ) -> Iterator[tuple[Window, list[Gap]]]:  # fmt: skip
        """Reads the windows in order; for each, the parts that are not proven. Requests the next ones meanwhile.

        `note` gets how many conversations each window has, before the next one is planned. A window at which LivePerson
        fails becomes a gap; raises SourceUnavailable if the next one fails, too.
        """
        started, is_down = Prefetcher((self._start(window, note) for window in planned), most=_WINDOWS_AHEAD), False
        try:
            for read in started:
                try:
                    gaps, is_down = self._read(read.window, run, read), False
                except SourceUnavailable as error:
                    if is_down or isinstance(error, RateLimited):
                        raise
                    gaps, is_down = [self.record_failure(read.window, run, error)], True
                yield read.window, gaps
        finally:
            started.close()

    def read(self, window: Window, run: Run | None) -> list[Gap]:
        """Reads one window; returns the parts that are not proven."""
        return self._read(window, run)

    def record_failure(self, window: Window, run: Run | None, error: SourceError) -> Gap:
        """Records that a window could not be read, except where it was proven complete before."""
        self._record(window, WindowTally(error.message), run)
        return announced(Gap(window, error.message, is_failure=True))

    def _start(self, window: Window, note: Note) -> _StartedRead:
        asked_at, pages = self._ingest.clock(), self._pages(window)
        try:
            first = next(pages, NO_PAGE)
        except SourceError as error:
            return _StartedRead(window, asked_at, NO_PAGE, pages, error)
        note(window, first.total)
        return _StartedRead(window, asked_at, first, pages)

    def _pages(self, window: Window) -> Iterator[Page]:
        _log.debug("window.asked", f"{window} is requested", window=window)
        return self._ingest.source.pages(windows.widen(window), is_light=self._ingest.wants_light)

    def _read(self, window: Window, run: Run | None, started: _StartedRead | None = None) -> list[Gap]:
        """Reads a window until it is proven complete, in halves where that may help."""
        gaps: list[Gap] = []

        def attempt(part: Window) -> Sequence[Window]:
            may_split = windows.split(part) is not None
            try:
                tally = self._read_until_proven(part, run, started if part is window else None, may_split=may_split)
                if may_split and self._would_halves_help(tally, part):
                    raise _SplitWindow(is_unreadable=tally.is_unreadable)
            except _SplitWindow as split:
                return self._split(part, split)
            self.conversations += len(tally.inside)
            reason = tally.reason or tally.fault
            if not reason:
                self._note_presence(part, tally)
            else:
                gaps.append(announced(Gap(part, reason, is_cut=reason == tally.record_fault())))
            return ()

        work_through(window, attempt)
        return gaps

    def _note_presence(self, window: Window, tally: WindowTally) -> None:
        """Notes which archived conversations of a window LivePerson lists no more, now that all of it is proven."""
        gone = self._ingest.archive.note_presence(window, tally.inside, self._ingest.clock())
        if gone:
            what = f"LivePerson lists {counted(len(gone), 'conversation')} of {window} no more"
            message = f"{what}, which the archive keeps: {named(gone)}"
            _log.warning("conversation.vanished", message, conversations=len(gone), window=window)

    def _split(self, window: Window, split: _SplitWindow) -> Sequence[Window]:
        """The halves. An earlier proof of the whole window is withdrawn: it counted fewer records, or can't be repeated
        in one piece. Those of the days of a wide window are not: each day records itself.
        """
        keeps_proof = windows.is_wide(window) or split.is_unreadable or self._unprovable(window, self._ingest.clock())
        if not keeps_proof:
            self._ingest.archive.unseal(window, "read again in halves", self._ingest.clock())
        _log.debug("window.split", f"{window} is read in halves", window=window)
        return windows.split(window) or ()

    def _read_until_proven(
        self, window: Window, run: Run | None, started: _StartedRead | None, *, may_split: bool
    ) -> WindowTally:
        """The last of a few readings. A window that can't be split may also be proven by several readings together."""
        together, tally = RepeatedReads(), WindowTally()
        tries = 1 if windows.is_wide(window) else _TRIES if may_split else _TRIES_OF_A_CELL
        for attempt in range(tries):
            if attempt == 1 and not may_split and tally.announced > MOST_PER_PAGE:
                tally = self._read_parts(window, run)
            else:
                tally = self._read_once(window, run, started if attempt == 0 else None, may_split=may_split)
            if tally.fault is None:
                break
            if not may_split and together.settles(tally):
                self._record(window, tally, run)
                break
        return tally

    def _would_halves_help(self, tally: WindowTally, window: Window) -> bool:
        """Whether to read the window in halves: it had several pages, between which rows can move; or it is wide, or
        had an unreadable response, which then costs only one half its proof.

        Raises SourceUnavailable if LivePerson's responses were unreadable for too many windows in a row.
        """
        self._unreadable_in_a_row = self._unreadable_in_a_row + 1 if tally.is_unreadable else 0
        if self._unreadable_in_a_row > MOST_UNREADABLE:
            raise SourceUnavailable(
                f"LivePerson's answers can't be read, window after window: {tally.fault}",
                hint="Run the same command again later; it continues where it stopped.",
            )
        if windows.is_wide(window):
            return _is_for_its_days(window, tally)
        return bool(tally.fault) and (tally.announced > MOST_PER_PAGE or tally.is_unreadable)

    def _read_once(
        self, window: Window, run: Run | None, started: _StartedRead | None, *, may_split: bool
    ) -> WindowTally:
        """One pass over a window's pages. The last page is kept together with the record of the window."""
        tally = WindowTally(asked_at=started.asked_at if started else self._ingest.clock())
        pages = tally.until_fault(started.pages() if started else self._pages(window))
        first = next(pages, NO_PAGE)
        if may_split and first.total > windows.MOST_PER_WINDOW:
            raise _SplitWindow
        looked_up = in_order(chain((first,), pages), self._ingest.look_up, most=_PAGES_AHEAD)
        page = next(looked_up)
        for following in looked_up:
            self._keep(page, window, tally)
            page = following
        completed = self._ingest.complete(page)
        tally.count(completed, window)
        readings = [] if _is_for_its_days(window, tally) else self._readings(window, tally, self._ingest.clock())
        tally.new += self._ingest.keep(completed, readings=readings, run=run)
        note_readings(readings)
        return tally

    def _read_parts(self, window: Window, run: Run | None) -> WindowTally:
        """Reads a full cell by status, and by skill where that is not enough: the rows of a single page can't move.

        Open conversations first: one that closes meanwhile is read twice, not never. The parts together must be as many
        as LivePerson announces for the cell before and after.
        """
        whole = WindowTally(
            "its parts are not proven to be all of it", is_reordered=True, asked_at=self._ingest.clock()
        )  # fmt: skip
        try:
            whole.announced = self._ingest.source.count(windows.widen(window))
            for status in (Status.OPEN, Status.CLOSED):
                for skill in sorted(self._read_part(window, whole, status)):
                    self._read_part(window, whole, status, skill)
            whole.is_reordered &= self._ingest.source.count(windows.widen(window)) == whole.announced
        except (BadAnswer, Unproven) as error:
            whole.fault, whole.is_reordered = error.message, False
        if RepeatedReads().settles(whole):
            self._record(window, whole, run)
        return whole

    def _read_part(self, window: Window, whole: WindowTally, status: Status, skill: int | None = None) -> set[int]:
        """The skills by which the part has to be read again, if it was more than one page."""
        part, skills = WindowTally(), set[int]()
        only = () if skill is None else (skill,)
        is_light = self._ingest.wants_light
        pages = self._ingest.source.pages(
            windows.widen(window), statuses=(status,), skill_ids=only, is_light=is_light
        )  # fmt: skip
        for page in part.until_fault(pages):
            self._keep(page, window, part)
            skills |= {conversation.skill_id for conversation in page.conversations}
        whole.add(part)
        return skills if part.announced > MOST_PER_PAGE and skill is None else set()

    def _keep(self, page: Page | LookedUp, window: Window, tally: WindowTally) -> None:
        completed = self._ingest.complete(page)
        tally.count(completed, window)
        tally.new += self._ingest.keep(completed)

    def _record(self, window: Window, tally: WindowTally, run: Run | None) -> None:
        now = self._ingest.clock()
        readings = self._readings(window, tally, now)
        self._ingest.archive.record(readings, run=run, now=now)
        note_readings(readings)

    def _readings(self, window: Window, tally: WindowTally, now: datetime) -> list[WindowReading]:
        """What to record of a window. Earlier proofs stay if this reading can't replace them: it was unreadable, or it
        can prove nothing, because LivePerson no longer keeps all of the window or the time is not certain.
        """
        tally.reason = tally.fault or self._unprovable(window, now) or tally.record_fault()
        is_unreadable = tally.fault and not (tally.announced or tally.ids)
        is_vain = is_unreadable or self._unprovable(window, now)
        sealed = self._ingest.archive.ledger.sealed() if is_vain else ()
        return list(readings_of(window, tally, now, without=sealed, content=self._content))

    def _unprovable(self, window: Window, now: datetime) -> str | None:
        """Why no reading of a window could prove it complete now; None if one could."""
        if window.start < windows.retention(now).start:
            return "LivePerson does not keep all of this time any more"
        return self._ingest.source.time_fault()


def _is_for_its_days(window: Window, tally: WindowTally) -> bool:
    """Whether a window of several days is not proven, so that it is read in halves and records nothing itself."""
    return windows.is_wide(window) and bool(tally.fault or tally.record_fault())


def announced(gap: Gap) -> Gap:
    """The gap, after it was logged."""
    message = f"not proven complete: {gap.window}: {gap.reason}"
    _log.warning("window.unproven", message, window=gap.window, reason=gap.reason)
    return gap
