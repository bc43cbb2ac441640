"""One pass over a span of time: plan windows, read pages, keep them, seal what is proven complete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from archiver import windows
from archiver.archive import ArchiveFile, Run
from archiver.choices import Depth
from archiver.errors import RateLimited, SourceUnavailable
from archiver.harvest.deepening import Deepening
from archiver.harvest.ingest import Ingest
from archiver.harvest.leftovers import Leftovers
from archiver.harvest.lookups import Lookups
from archiver.harvest.source import Source
from archiver.harvest.widths import Widths
from archiver.harvest.window_reader import Gap, WindowReader, announced
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.progress import Progress
from archiver.value import Value

_log = EventLogger("harvest")
_MORE_LOOKS = 2  # at the end, for records that LivePerson returned truncated


class Summary(Value):
    """What a harvest did: windows read, conversations that started in them, vault entries made, records quarantined.

    `unproven` are the windows that are not proven complete, with the reason.
    """

    windows: int = 0
    conversations: int = 0
    new: int = 0
    quarantined: int = 0
    unproven: tuple[Gap, ...] = ()


class Harvest:
    """One pass over a span. An interrupted pass is resumed where it stopped."""

    def __init__(
        self, source: Source, archive: ArchiveFile, *, clock: Callable[[], datetime], progress: Progress,
        content: str = "", depth: Depth = Depth.FULL,
    ) -> None:  # fmt: skip
        self._ingest = Ingest(source, archive, clock=clock, progress=progress, depth=depth)
        self._reader = WindowReader(self._ingest, content=content)
        self._leftovers = Leftovers(self._ingest)
        self._windows = 0

    def run(self, span: Window, *, also_older: bool = False) -> Summary:
        """Reads every window of the span that this run has not sealed yet, fetches open conversations again, and reads
        by their ids those that are archived only as a search returned them. Raises Locked, SourceError, ArchiveError.

        What the span holds of a time that LivePerson need not keep any more is read first, and is never proven; with
        `also_older` whatever else LivePerson still returns from before the span, too.
        """
        ingest = self._ingest
        with ingest.exclusive():
            ingest.source.ask_time()
            ingest.heal()
            summary = self._run(span, also_older=also_older)
            ingest.heal()
        _note_end(summary)
        return summary

    def _run(self, span: Window, *, also_older: bool) -> Summary:
        ingest, archive = self._ingest, self._ingest.archive
        older, kept = windows.cut_at_retention(span, ingest.clock())
        unproven = self._read_older(older, span.start if also_older else None)
        run = archive.begin_run(kept or span, ingest.clock())
        _log.info("harvest.started", f"harvest of {span}", span=span, started_at=run.started_at)
        unproven += self._read_all(kept, run) if kept else []
        for _ in range(_MORE_LOOKS):
            unproven = self._read_again(unproven, run)
        Lookups(ingest).recheck_all(seen_before=run.started_at, due_by=None)
        Deepening(ingest).run()
        archive.finish_run(ingest.clock())
        conversations = self._reader.conversations + self._leftovers.conversations
        return Summary(self._windows, conversations, ingest.new, ingest.quarantined, tuple(unproven))

    def _read_older(self, older: Window | None, before: datetime | None) -> list[Gap]:
        """Reads what LivePerson may delete at any moment, which is why it comes first."""
        if before:
            self._leftovers.read_before(before)
        if not older:
            return []
        self._leftovers.read_before(older.end, older.start)
        return [announced(Gap(older, "LivePerson does not keep all of this time any more"))]

    def _read_again(self, gaps: list[Gap], run: Run) -> list[Gap]:
        """The gaps that remain after those with truncated records were read again, which LivePerson may return whole by
        now, and those at which it failed, day by day: one bad record may be the cause.
        """
        remaining: list[Gap] = []
        for gap in gaps:
            is_wide = gap.is_failure and windows.is_wide(gap.window)
            if gap.is_cut or is_wide:
                _log.info("window.reread", f"{gap.window} is read again: {gap.reason}", window=gap.window)
            counted = self._reader.conversations
            if is_wide:
                remaining += self._read_in_days(gap.window, run)
            elif gap.is_cut:
                remaining += self._reader.read(gap.window, run)
                self._reader.conversations = counted  # what is read again counts once
            else:
                remaining.append(gap)
        return remaining

    def _read_in_days(self, window: Window, run: Run) -> list[Gap]:
        """Reads each day of a window that is not proven yet; the gaps. After two failures in a row the rest is one."""
        gaps: list[Gap] = []
        is_down = False
        for day in windows.plan(window, list(self._ingest.archive.ledger.sealed(run))):
            try:
                gaps += self._reader.read(day, run)
                is_down = False
            except RateLimited:
                raise
            except SourceUnavailable as error:
                rest = Window(day.start, window.end) if is_down else day
                gaps.append(self._reader.record_failure(rest, run, error))
                if is_down:
                    break
                is_down = True
        return gaps

    def _read_all(self, span: Window, run: Run) -> list[Gap]:
        """Reads the windows of a span, as wide as those before them allow."""
        progress, ledger, widths = self._ingest.progress, self._ingest.archive.ledger, Widths()
        sealed, unproven, done = list(ledger.sealed(run)), list[Gap](), timedelta(0)
        lacking = sum((part.length for part in windows.subtract(span, sealed)), timedelta(0))
        progress.start("harvest", _hours(lacking), "hours")
        planned = windows.plan_widely(span, sealed, self._ingest.clock(), widths)
        for window, gaps in self._reader.read_all(planned, run, note=widths.note):
            unproven += gaps
            self._windows += 1
            more = _hours(done + window.length) - _hours(done)  # so that they add up to all of them
            done += window.length
            progress.advance(more, conversations=self._reader.conversations, new=self._ingest.new)
        return unproven


def _hours(length: timedelta) -> int:
    return round(length / timedelta(hours=1))


def _note_end(summary: Summary) -> None:
    _log.info(
        "harvest.finished",
        f"harvest finished: {summary.conversations:,} conversations in {summary.windows:,} windows",
        windows=summary.windows, conversations=summary.conversations, new=summary.new,
        quarantined=summary.quarantined, unproven=len(summary.unproven),
    )  # fmt: skip
