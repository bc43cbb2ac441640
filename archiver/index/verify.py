"""Compares an index with the vault's current versions. Reports every difference, and repairs what it can on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archiver.archive import ArchiveFile, Finding, Record
from archiver.errors import IntegrityError, NotFound, RecordError, StoreDenied, StoreError, counted
from archiver.index.build import Applied, apply_again, batches, is_behind, rebuild
from archiver.index.results import Version
from archiver.index.retrieval import every_key
from archiver.index.store import Store, StoreAdmin
from archiver.progress import Progress
from archiver.query import Everything, Scope
from archiver.transcript import project

_NAMED = 3
_MOST_APPLIED_AGAIN = 10_000  # differing conversations; if there are more, a rebuild is quicker


def verify_index(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Iterator[Finding]:
    """Every difference between the index and the vault's current versions: damage of the index itself, an index of
    another history, missing, surplus and altered documents.
    """
    try:
        yield from _findings(archive, store, progress)
    except IntegrityError as error:
        yield Finding("index", f"it can't be compared: {error.message}", error.seq)
    except StoreError as error:
        if error.transient or isinstance(error, StoreDenied):
            raise
        yield Finding("index", error.message)


def _findings(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Iterator[Finding]:
    damage = list(store.damage()) or list(_misplacement(archive, store))
    yield from (Finding("index", words) for words in damage)
    if damage:
        return
    for refusal in store.refused():
        yield Finding("index", f"conversation {refusal.conversation_id} is refused: {refusal.reason}", refusal.seq)
    differing: dict[str, list[str]] = {}
    held = 0
    for version, words, documents in _differences(archive, store, progress):
        held += documents
        if version:
            differing.setdefault(words, []).append(version.transcript.id)
    yield from (Finding("index", _named(words, ids)) for words, ids in sorted(differing.items()))
    surplus = store.documents() - held
    if surplus > 0:
        named = _named("not in the vault", list(_strangers(archive, store)))
        yield Finding("index", f"it holds {surplus:,} documents too many; {named}")


def repair_index(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Applied:
    """Puts differing conversations into the index again; rebuilds it where that is not enough. Raises StoreError."""
    try:
        applied = _put_in_again(archive, store, progress)
    except StoreError as error:
        if error.transient or isinstance(error, StoreDenied):
            raise
        applied = None
    return applied or rebuild(archive, store, progress)


def _put_in_again(archive: ArchiveFile, store: StoreAdmin, progress: Progress) -> Applied | None:
    """Puts in the conversations that differ; None if the index differs from the vault even so."""
    store.mend()
    if list(store.damage()) or list(_misplacement(archive, store)):
        return None
    differing, has_surplus = _compared(archive, store, progress)
    if not has_surplus and len(differing) <= _MOST_APPLIED_AGAIN:
        refused = [refusal.conversation_id for refusal in store.refused()]
        applied = apply_again(archive, store, [*differing, *refused], progress)
        if _compared(archive, store, progress) == ([], False):
            return applied
    return None


def _compared(archive: ArchiveFile, store: Store, progress: Progress) -> tuple[list[str], bool]:
    """The conversations that differ, and whether the index holds documents of others."""
    found = [(version, documents) for version, _, documents in _differences(archive, store, progress)]
    differing = [version.transcript.id for version, _ in found if version]
    return differing, store.documents() > sum(documents for _, documents in found)


def _strangers(archive: ArchiveFile, store: Store) -> Iterator[str]:
    """The conversations of the index that the vault does not have."""
    for id_ in (key.conversation_id for key in every_key(store, Everything(), Scope.CONVERSATION)):
        try:
            archive.vault.current(id_)
        except NotFound:
            yield id_


def _misplacement(archive: ArchiveFile, store: Store) -> Iterator[str]:
    """Why the index is not at the vault's head, if it is not."""
    try:
        if is_behind(archive, store):
            yield f"it has applied entry {store.position().seq:,} of {archive.vault.head():,}: archiver reindex"
    except StoreError as error:
        yield f"{error.message}: archiver reindex"


def _differences(
    archive: ArchiveFile, store: Store, progress: Progress
) -> Iterator[tuple[Version | None, str, int]]:  # fmt: skip
    """Versions that the index does not hold as they are, with the reason; and for each batch, how many documents it
    holds of it (with None).
    """
    refused = {refusal.conversation_id for refusal in store.refused()}
    count, _ = archive.vault.totals()
    progress.start("compare vault and index", count, "conversations")
    try:
        for batch in batches(archive.vault.after(0)):
            compared = store.compare([version for version in _versions(batch) if version.transcript.id not in refused])
            yield from ((version, words, 0) for version, words in compared.faults)
            yield None, "", compared.documents
            progress.advance(len(batch))
    finally:
        progress.finish()


def _versions(batch: Iterable[Record]) -> Iterator[Version]:
    for record in batch:
        try:
            yield Version(record.seq, project(record.raw), record.is_first, record.fetched_at)
        except RecordError:
            continue  # it is among the refused ones


def _named(words: str, ids: Sequence[str]) -> str:
    more = ", …" if len(ids) > _NAMED else ""
    return f"{counted(len(ids), 'conversation')}: {words}: {', '.join(sorted(ids)[:_NAMED])}{more}"
