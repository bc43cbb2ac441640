"""Compares an index with the vault's current versions. Reports every difference, and repairs what it can on request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from archiver.archive import ArchiveFile, Finding, Record, Vault
from archiver.errors import IntegrityError, NotFound, RecordError, StoreDenied, StoreError, abridged, counted
from archiver.index.build import Applied, apply_again, batches, is_behind, rebuild
from archiver.index.results import Comparison, Version
from archiver.index.retrieval import every_key
from archiver.index.store import Store, StoreAdmin
from archiver.index.versions import read_version
from archiver.progress import Progress
from archiver.query import Everything, Scope

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
    compared = _compare(archive, store, progress)
    differing: dict[str, list[str]] = {}
    for id_, words in compared.faults:
        differing.setdefault(words, []).append(id_)
    yield from (Finding("index", _named(words, ids)) for words, ids in sorted(differing.items()))
    surplus = store.documents() - compared.documents
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
    compared = _compare(archive, store, progress)
    has_surplus = store.documents() > compared.documents
    if has_surplus or len(compared.faults) > _MOST_APPLIED_AGAIN:
        return None
    ids = [id_ for id_, _ in compared.faults]
    refused = [refusal.conversation_id for refusal in store.refused()]
    applied = apply_again(archive, store, [*ids, *refused], progress)
    return None if _compare(archive, store, progress).faults else applied


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
        if error.transient:
            raise
        yield f"{error.message}: archiver reindex"


def _compare(archive: ArchiveFile, store: Store, progress: Progress) -> Comparison:
    """All current versions compared, a batch at a time. What the index refused is no fault here: that is told apart."""
    refused = {refusal.conversation_id for refusal in store.refused()}
    progress.start("compare vault and index", archive.vault.conversations(), "conversations")
    faults: list[tuple[str, str]] = []
    documents = 0
    try:
        for batch in batches(archive.vault.after(0)):
            compared = store.compare(list(_versions(archive.vault, batch)))
            faults += [fault for fault in compared.faults if fault[0] not in refused]
            documents += compared.documents
            progress.advance(len(batch))
    finally:
        progress.finish()
    return Comparison(tuple(faults), documents)


def _versions(vault: Vault, batch: Iterable[Record]) -> Iterator[Version]:
    for record in batch:
        try:
            yield read_version(vault, record, with_events=False)
        except RecordError:
            continue  # it is among the refused ones


def _named(words: str, ids: Sequence[str]) -> str:
    return f"{counted(len(ids), 'conversation')}: {words}: {abridged(sorted(ids), _NAMED)}"
