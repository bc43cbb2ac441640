"""One pass over a span of time: plan windows, read pages, keep them, seal what is proven complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archiver import windows
from archiver.archive import ArchiveFile, Run
from archiver.harvest.ingest import Ingest
from archiver.harvest.lookups import Lookups
from archiver.harvest.source import Source
from archiver.harvest.window_reader import Gap, WindowReader
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.progress import Progress

_log = EventLogger("harvest")


@dataclass(frozen=True, slots=True)
class Summary:
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
        content: str = "",
    ) -> None:  # fmt: skip
        self._ingest = Ingest(source, archive, clock=clock, progress=progress)
        self._reader = WindowReader(self._ingest, content=content)

    def run(self, span: Window) -> Summary:
        """Reads every window of the span that this run has not sealed yet, and fetches open conversations again. Raises
        Locked, SourceError, ArchiveError.
        """
        ingest, archive = self._ingest, self._ingest.archive
        with ingest.exclusive():
            run = archive.begin_run(span, ingest.clock())
            _log.info("harvest.started", f"harvest of {span}", span=span, started_at=run.started_at)
            planned = list(windows.plan(span, archive.ledger.sealed(run)))
            unproven = self._read_all(planned, run)
            Lookups(ingest).recheck_all(seen_before=run.started_at, due_by=None)
            archive.finish_run(ingest.clock())
        summary = Summary(len(planned), self._reader.conversations, ingest.new, ingest.quarantined, tuple(unproven))
        _note_end(summary)
        return summary

    def _read_all(self, planned: list[Window], run: Run) -> list[Gap]:
        progress = self._ingest.progress
        progress.start("harvest", len(planned), "windows")
        unproven: list[Gap] = []
        for gaps in self._reader.read_all(planned, run):
            unproven += gaps
            progress.advance(1, conversations=self._reader.conversations, new=self._ingest.new)
        return unproven


def _note_end(summary: Summary) -> None:
    _log.info(
        "harvest.finished",
        f"harvest finished: {summary.conversations:,} conversations in {summary.windows:,} windows",
        windows=summary.windows, conversations=summary.conversations, new=summary.new,
        quarantined=summary.quarantined, unproven=len(summary.unproven),
    )  # fmt: skip
