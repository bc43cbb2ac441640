"""Makes an index ready to be asked: up to date, of this archive, whole. What can't be had is told with every answer."""

from __future__ import annotations

from dataclasses import dataclass

from archiver.archive import ArchiveFile
from archiver.errors import StoreBusy, StoreDenied, StoreOutdated, StoreUnavailable, counted
from archiver.index.build import catch_up, is_behind, rebuild
from archiver.index.store import StoreAdmin
from archiver.progress import Progress

_PATIENCE_S = 6.0  # somebody waits at a screen


@dataclass(frozen=True, slots=True)
class Readiness:
    """`doubts`: why an answer may lack results that it should have. `gaps`: what no search looks into."""

    doubts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        return (*self.doubts, *self.gaps)


def make_ready(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Readiness:
    """Brings the index up to date and checks that it is whole. Raises StoreError if its answers can't be trusted."""
    doubt = _bring_up_to_date(archive, store, progress)
    if doubt is None:
        store.check_whole(archive.vault.totals()[0])
    refused = len(store.refused())
    gap = f"{counted(refused, 'conversation')} not searched: refused by the index (archiver store status)"
    return Readiness((doubt,) if doubt else (), (gap,) if refused else ())


def _bring_up_to_date(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> str | None:
    """Why the index could not be brought up to date though it answers; None if it is."""
    try:
        if is_behind(archive, store):
            catch_up(archive, store, progress, patience_s=_PATIENCE_S)
    except StoreOutdated as error:
        if store.status().kind != "embedded":  # the old indices still answer; a rebuild may take hours
            return f"{error.message}; answers may differ from a new index: archiver reindex"
        rebuild(archive, store, progress)
    except (StoreBusy, StoreDenied, StoreUnavailable) as error:
        if not store.position().seq:
            raise  # an empty index finds nothing, which is no answer
        behind = archive.vault.head() - store.position().seq
        return f"{behind:,} of the vault's entries not searchable yet: {error.message}"
    return None
