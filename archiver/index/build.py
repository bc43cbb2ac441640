"""Builds an index from the vault: from its position to the vault's head, or anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from archiver.archive import ArchiveFile, Record
from archiver.errors import RecordError, StoreError, StoreOutdated
from archiver.index.results import Position, Refusal, Version
from archiver.index.store import Store, StoreAdmin
from archiver.index.versions import Unread, read_version, refusal_of
from archiver.logs import EventLogger
from archiver.progress import Progress
from archiver.value import Value

_log = EventLogger("index")
BATCH_CONVERSATIONS = 1_000
BATCH_BYTES = 24_000_000


class Applied(Value):
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


def catch_up(
    archive: ArchiveFile, store: Store, progress: Progress, *, most: int | None = None,
    patience_s: float | None = None,
) -> Applied:  # fmt: skip
    """Applies every version that the index does not have, or the oldest `most` of them. Raises StoreOutdated,
    StoreError, IntegrityError.

    An index that can't be written is waited for `patience_s` seconds, by default minutes.
    """
    if not is_behind(archive, store):
        return Applied(0, store.refused())
    head, start = archive.vault.head(), store.position().seq
    records, count = archive.vault.after(start), archive.vault.count_after(start)
    if most is not None and most < count:
        records, head = islice(records, most), start  # the position becomes that of the last one
    return _Work(archive, store, progress, head, patience_s).apply(records, count)


def is_behind(archive: ArchiveFile, store: Store) -> bool:
    """Whether the index lacks entries of the vault. Raises StoreOutdated; StoreError if it was built from another
    history of the archive, as after one of them was restored from a backup.
    """
    store.check_current()
    head, position = archive.vault.head(), store.position()
    if position.seq and archive.vault.link_at(position.seq) != position.link:
        where = f"the vault ends at {head:,}" if position.seq > head else "the vault holds another entry there"
        raise StoreError(
            f"the index was built from another history of this archive: it has applied vault entry {position.seq:,}, "
            f"and {where}. Was one of them restored from a backup?",
            hint="If this archive is the right one, rebuild the index: archiver reindex",
        )
    return position.seq < head


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
    return apply_again(archive, store, ids, progress)


def apply_again(archive: ArchiveFile, store: Store, ids: Sequence[str], progress: Progress) -> Applied:
    """Puts the current versions of conversations into the index once more. Raises StoreError, IntegrityError."""
    work = _Work(archive, store, progress, store.position().seq)
    return work.apply((archive.vault.current(id_) for id_ in ids), len(ids))


class _Work(Value):
    """Bringing an index to the vault entry `head`."""

    archive: ArchiveFile
    store: Store
    progress: Progress
    head: int
    patience_s: float | None = None

    def apply(self, records: Iterable[Record], count: int) -> Applied:
        """Applies records, then moves the position at least to `head`: the last entries may not be current versions.

        `count` is how many records are still to be applied, these and any that a later call applies.
        """
        seq, done = self.store.position().seq, 0
        self.progress.start("index", count, "conversations")
        try:
            with self.store.writing(expected=count, patience_s=self.patience_s) as writer:
                for batch in batches(records):
                    seq = max(seq, batch[-1].touched)
                    done += writer.replace(map(self._item, batch), applied=self._position(seq))
                    self.progress.advance(len(batch))
                if seq < self.head:
                    writer.replace([], applied=self._position(self.head))
        finally:
            self.progress.finish()
        return Applied(done, self.store.refused())

    def _position(self, seq: int) -> Position:
        return Position(seq, self.archive.vault.link_at(seq) or "")

    def _item(self, record: Record) -> Version | Unread | Refusal:
        """What is to be indexed of a conversation, read as far as that needs the vault."""
        self.archive.give_way()
        if record.is_alone:
            return Unread(record)
        try:
            return read_version(self.archive.vault, record, with_events=False)
        except RecordError as error:
            return refusal_of(record, error)


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
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
