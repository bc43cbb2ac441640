"""From LivePerson into the vault, once: plan → ask → keep and record → seal what is proven complete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from archiver import windows
from archiver.archive import Archive
from archiver.intake import Intake, Source
from archiver.ledger import Run
from archiver.lookups import LookUps
from archiver.model import Window
from archiver.progress import Progress
from archiver.reading import Named, WindowReader


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
        self._intake = Intake(source, archive, clock=clock, progress=progress)
        self._reader = WindowReader(self._intake, content=content)

    def run(self, span: Window) -> Summary:
        """Reads every window of the span that this run has not sealed yet, and looks again at what was open before.

        Raises Locked, SourceError, ArchiveError.
        """
        intake, ledger = self._intake, self._intake.archive.ledger
        with intake.alone():
            with intake.archive.transaction():
                run = ledger.begin(span, intake.clock())
                ledger.note_target(span.start)
            planned = list(windows.plan(span, ledger.sealed(run)))
            unproven = self._read_all(planned, run)
            LookUps(intake).all(seen_before=run.started_at, due_by=windows.FOR_EVER)
            with intake.archive.transaction():
                ledger.finish(run, intake.clock())
            return Summary(len(planned), self._reader.conversations, intake.new, intake.aside, tuple(unproven))

    def _read_all(self, planned: list[Window], run: Run) -> list[Named]:
        progress = self._intake.progress
        progress.start("harvest", len(planned), "windows")
        unproven: list[Named] = []
        for _, named in self._reader.read_all(planned, run):
            unproven += named
            progress.advance(1, conversations=self._reader.conversations, new=self._intake.new)
        return unproven
