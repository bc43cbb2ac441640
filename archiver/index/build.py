"""Builds an index from the vault: from its position to the vault's head, or anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from archiver.archive import ArchiveFile, Record
from archiver.errors import StoreError, StoreOutdated
from archiver.index.results import Refusal, Version
from archiver.index.store import Store, StoreAdmin, Writer
from archiver.logs import EventLogger
from archiver.progress import Progress
from archiver.transcript import project

_log = EventLogger("index")
BATCH_CONVERSATIONS = 1_000
BATCH_BYTES = 24_000_000


@dataclass(frozen=True, slots=True)
class Applied:
    """What a catch-up did. `refused` lists everything that the index lacks now, with the reason."""

    conversations: int = 0
    refused: tuple[Refusal, ...] = ()


def bring_up_to_date(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Applied:
    """Applies every version that the index does not have; rebuilds it if another version of this program made it. Safe
    to interrupt and to repeat. Raises StoreError, IntegrityError.
    """
    try:
        return catch_up(archive, store, progress)
    except StoreOutdated as error:
        _log.info("index.rebuilding", f"{error.message}; rebuilding it from the vault")
        return rebuild(archive, store, progress)


def catch_up(archive: ArchiveFile, store: Store, progress: Progress, *, most: int | None = None) -> Applied:
    """Applies every version that the index does not have, or the oldest `most` of them. Raises StoreOutdated,
    StoreError, IntegrityError.
    """
    if not is_behind(archive, store):
        return Applied(0, store.refused())
    head, start = archive.vault.head(), store.applied()
    records, count = archive.vault.after(start), archive.vault.count_after(start)
    if most is not None and most < count:
        records, head = islice(records, most), start  # the position becomes that of the last one
    return _apply(records, count, head, store, progress)


def is_behind(archive: ArchiveFile, store: Store) -> bool:
    """Whether the index lacks entries of the vault. Raises StoreOutdated; StoreError if it is ahead."""
    store.check_current()
    head, start = archive.vault.head(), store.applied()
    if start > head:
        raise StoreError(
            f"the index has applied vault entry {start}, but the vault ends at {head}: an older copy of the archive?",
            hint="If this archive is the right one, rebuild the index: archiver reindex",
        )
    return start < head


def rebuild(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Applied:
    """Builds the whole index from the vault alone; the old one answers queries until the new one is complete."""
    fresh = store.begin_rebuild()
    try:
        applied = catch_up(archive, fresh, progress)
        fresh.finish_rebuild()
    finally:
        fresh.close()
    return applied


def retry(archive: ArchiveFile, store: Store, progress: Progress) -> Applied:
    """Applies again the versions that the index refused. Raises StoreError, IntegrityError."""
    ids = [refusal.conversation_id for refusal in store.refused()]
    return _apply((archive.vault.current(id_) for id_ in ids), len(ids), store.applied(), store, progress)


def _apply(records: Iterable[Record], count: int, head: int, store: Store, progress: Progress) -> Applied:
    """Applies records, then moves the position at least to `head`: the last entries may not be current versions.

    `count` is how many records are still to be applied, these and any that a later call applies.
    """
    position = store.applied()
    progress.start("index", count, "conversations")
    done = 0
    try:
        with store.writing(expected=count) as writer:
            for batch in _batches(records):
                position = max(position, batch[-1].seq)
                done += _write(batch, writer, position)
                progress.advance(len(batch))
            if position < head:
                writer.replace([], applied=head)
    finally:
        progress.finish()
    return Applied(done, store.refused())


def _write(batch: list[Record], writer: Writer, position: int) -> int:
    versions, refusals = [], []
    for record in batch:
        try:
            versions.append(Version(record.seq, project(record.raw), record.is_first, record.fetched_at))
        except ValueError as error:
            refusals.append(Refusal(record.seq, record.conversation_id, str(error)))
    writer.refuse(refusals)
    writer.replace(versions, applied=position)
    return len(versions)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Batches bounded in number and in bytes, so that memory does not depend on the size of records."""
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.raw)
        if len(batch) >= BATCH_CONVERSATIONS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
