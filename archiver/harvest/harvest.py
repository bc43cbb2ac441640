"""From LivePerson into the vault, once: plan → ask → keep and record → seal what is proven complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archiver import windows
from archiver.archive import Archive, Run
from archiver.harvest.ingest import Ingest, Source
from archiver.harvest.lookups import Lookups
from archiver.harvest.window_reader import Named, WindowReader
from archiver.model import Window
from archiver.progress import Progress


@dataclass(frozen=True, slots=True)
class Summary:
    """What a harvest did. `conversations` started in the windows read; `unproven` windows have their reason."""

    windows: int = 0
    conversations: int = 0
    new: int = 0
    aside: int = 0
    unproven: tuple[Named, ...] = ()


class Harvest:
    """One pass over a span. A pass that was interrupted is taken up where it stopped."""

    def __init__(
        self, source: Source, archive: Archive, *, clock: Callable[[], datetime], progress: Progress, content: str = ""
    ) -> None:
        self._ingest = Ingest(source, archive, clock=clock, progress=progress)
        self._reader = WindowReader(self._ingest, content=content)

    def run(self, span: Window) -> Summary:
        """Reads every window of the span that this run has not sealed yet, and looks again at what was open before.

        Raises Locked, SourceError, ArchiveError.
        """
        ingest, ledger = self._ingest, self._ingest.archive.ledger
        with ingest.alone():
            with ingest.archive.transaction():
                run = ledger.begin(span, ingest.clock())
                ledger.note_target(span.start)
            planned = list(windows.plan(span, ledger.sealed(run)))
            unproven = self._read_all(planned, run)
            Lookups(ingest).all(seen_before=run.started_at, due_by=windows.NEVER)
            with ingest.archive.transaction():
                ledger.finish(run, ingest.clock())
            return Summary(len(planned), self._reader.conversations, ingest.new, ingest.aside, tuple(unproven))

    def _read_all(self, planned: list[Window], run: Run) -> list[Named]:
        progress = self._ingest.progress
        progress.start("harvest", len(planned), "windows")
        unproven: list[Named] = []
        for _, named in self._reader.read_all(planned, run):
            unproven += named
            progress.advance(1, conversations=self._reader.conversations, new=self._ingest.new)
        return unproven
