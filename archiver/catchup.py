"""From the vault into an index, from where it stands to the vault's head. A reindex is the same into an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.archive import Archive
from archiver.documents import project
from archiver.model import Transcript
from archiver.progress import Progress
from archiver.stores import Store
from archiver.vault import Record

BATCH_CONVERSATIONS = 1_000
BATCH_BYTES = 24_000_000


@dataclass(frozen=True, slots=True)
class Applied:
    """What a catch-up did. `refused` are vault entries that cannot be projected, with the reason."""

    conversations: int = 0
    refused: tuple[tuple[int, str], ...] = ()


def catch_up(archive: Archive, store: Store, progress: Progress) -> Applied:
    """Applies all that the store has not seen. Safe to stop and to repeat. Raises StoreError, IntegrityError."""
    head, start = archive.vault.head(), store.applied()
    if start >= head:
        return Applied()
    progress.start("index", None, "conversations")
    done, refused = 0, []
    try:
        for batch in _batches(archive.vault.after(start)):
            transcripts = []
            for record in batch:
                transcript = _projected(record)
                if isinstance(transcript, Transcript):
                    transcripts.append(transcript)
                else:
                    refused.append((record.seq, transcript))
                    progress.say(f"vault entry {record.seq} cannot be indexed: {transcript}")
            store.replace(transcripts, applied=batch[-1].seq)
            done += len(transcripts)
            progress.advance(len(batch))
    finally:
        progress.finish()
    return Applied(done, tuple(refused))


def rebuild(archive: Archive, store: Store, progress: Progress) -> Applied:
    """Builds the whole index anew from the vault alone; the old one answers until the new one is whole."""
    fresh = store.begin_rebuild()
    applied = catch_up(archive, fresh, progress)
    fresh.finish_rebuild()
    fresh.close()
    return applied


def _projected(record: Record) -> Transcript | str:
    try:
        return project(record.raw)
    except ValueError as error:
        return str(error)


def _batches(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Batches bounded in number and in bytes, so that memory does not depend on what is in them."""
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
