"""Makes an index ready to be asked: up to date, of this archive, whole. What can't be had is told with every answer."""

from __future__ import annotations

import time
from collections.abc import Sequence

from archiver.archive import ArchiveFile
from archiver.errors import StoreBusy, StoreDenied, StoreError, StoreOutdated, StoreUnavailable, counted
from archiver.index.build import catch_up, is_behind, rebuild
from archiver.index.store import Store, StoreAdmin
from archiver.logs import EventLogger
from archiver.progress import Progress
from archiver.value import Value

_log = EventLogger("index")
_WRITTEN_WITHIN_S, _LOOK_EVERY_S = 1.0, 0.1
PATIENCE_S = 6.0  # somebody waits at a screen


class Readiness(Value):
    """`doubts`: why an answer may lack results that it should have. `gaps`: what no search looks into."""

    doubts: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        return (*self.doubts, *self.gaps)


def make_ready(
    archive: ArchiveFile, store: StoreAdmin, progress: Progress, patience_s: float = PATIENCE_S, *,
    is_written_elsewhere: bool = False,
) -> Readiness:  # fmt: skip
    """Brings the index up to date and checks that it is whole. An index that somebody else writes is waited for so many
    seconds, then asked as it is, and what it lacks is told. Raises StoreError if its answers can't be trusted.

    With `is_written_elsewhere` it is never written here: who writes an index keeps others from it until it is closed.
    """
    doubt = _bring_up_to_date(archive, store, progress, patience_s, is_written_elsewhere=is_written_elsewhere)
    if doubt is None:
        check_whole(archive, store)
    refused = len(store.refused())
    gap = f"{counted(refused, 'conversation')} not searched: refused by the index (archiver store status)"
    return Readiness((doubt,) if doubt else (), (gap,) if refused else ())


def refuse(doubts: Sequence[str]) -> None:
    """Raises StoreBusy if there is a doubt: for what is kept or handed over, and may not lack anything."""
    for doubt in doubts:
        raise StoreBusy(doubt, hint="Try again when the index is up to date: archiver store status")


def check_whole(archive: ArchiveFile, store: Store) -> None:
    """Raises StoreError if an index that is up to date does not hold all conversations, or its parts do not add up."""
    for wait_s in (_WRITTEN_WITHIN_S, 0.0):
        conversations, position = archive.vault.conversations(), store.position()
        if archive.vault.head() != position.seq:
            return  # entries were made meanwhile
        try:
            return store.check_whole(conversations)
        except StoreError:
            time.sleep(wait_s)  # another process may be writing: its documents are there before its position
            if not wait_s and (archive.vault.head(), store.position()) == (position.seq, position):
                raise


def _bring_up_to_date(
    archive: ArchiveFile, store: StoreAdmin, progress: Progress, patience_s: float, *, is_written_elsewhere: bool
) -> str | None:  # fmt: skip
    """Why the index could not be brought up to date though it answers; None if it is."""
    try:
        if is_behind(archive, store):
            if is_written_elsewhere:
                return _wait_for_writer(archive, store, patience_s)
            catch_up(archive, store, progress, patience_s=patience_s)
    except StoreOutdated as error:
        if store.status().kind != "embedded":  # the old indices still answer; a rebuild may take hours
            return f"{error.message}; answers may differ from a new index: archiver reindex"
        if is_written_elsewhere:
            raise StoreBusy("the search index is being built anew", hint="Wait for it: archiver status") from None
        rebuild(archive, store, progress)
    except (StoreBusy, StoreDenied, StoreUnavailable) as error:
        if not store.position().seq:
            raise  # an empty index finds nothing, which is no answer
        _log.warning("index.stale", error.message)
        return f"{_behind(archive, store)}: {_why(error)}"
    return None


def _wait_for_writer(archive: ArchiveFile, store: Store, patience_s: float) -> str | None:
    """Why the index lacks entries that the vault has at first, though they were waited for; None if it has them."""
    head, until = archive.vault.head(), time.monotonic() + patience_s
    while store.position().seq < head:
        if time.monotonic() >= until:
            return f"{_behind(archive, store)}: the harvest adds them"
        time.sleep(_LOOK_EVERY_S)
    return None


def _why(error: StoreError) -> str:
    """Why the index was not written, without the places that the error names: whoever asks may sit elsewhere."""
    match error:
        case StoreBusy():
            return "another process is writing the index"
        case StoreDenied():
            return "the index can't be written here"
    return "the index could not be written"


def _behind(archive: ArchiveFile, store: Store) -> str:
    return f"{archive.vault.head() - store.position().seq:,} of the vault's entries not searchable yet"
