"""Compares an index with the vault's current versions. Reports every difference, repairs none."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator

from archiver.archive import ArchiveFile, Finding
from archiver.errors import IntegrityError, StoreOutdated
from archiver.index.retrieval import every_key
from archiver.index.store import Store
from archiver.model import Transcript
from archiver.progress import Progress
from archiver.query import Everything, Scope
from archiver.transcript import project

Keys = Iterator[tuple[str, str | None]]


def verify_index(archive: ArchiveFile, store: Store, progress: Progress) -> Iterator[Finding]:
    """Compares the conversations and messages in an index with the vault's current versions, as far as they can be
    read.
    """
    try:
        yield from _compare(archive, store, progress)
    except IntegrityError as error:
        yield Finding("index", f"it can't be compared: {error.message}", error.seq)


def _compare(archive: ArchiveFile, store: Store, progress: Progress) -> Iterator[Finding]:
    try:
        store.check_current()
    except StoreOutdated as error:
        yield Finding("index", f"{error.message}: archiver reindex")
        return
    applied, head = store.applied(), archive.vault.head()
    if applied != head:
        yield Finding("index", f"it has applied entry {applied} of {head}: archiver reindex")
        return
    refused = {refusal.conversation_id for refusal in store.refused()}
    for scope, what in ((Scope.CONVERSATION, "conversations"), (Scope.MESSAGE, "messages")):
        progress.start(f"compare {what} of vault and index", None, what)
        wanted, held = _sum(_vaults(archive, scope), refused, progress), _sum(_stores(store, scope), refused, progress)
        progress.finish()
        if wanted != held:
            yield from _differences(archive, store, scope, refused, what)


def _vaults(archive: ArchiveFile, scope: Scope) -> Keys:
    for record in archive.vault.after(0):
        if scope is Scope.CONVERSATION:
            yield record.conversation_id, None
        else:
            transcript = _read(record.raw)
            yield from ((record.conversation_id, message.id) for message in (transcript.messages if transcript else ()))


def _read(raw: bytes) -> Transcript | None:
    try:
        return project(raw)
    except ValueError:
        return None


def _stores(store: Store, scope: Scope) -> Keys:
    return ((key.conversation_id, key.message_id) for key in every_key(store, Everything(), scope))


def _sum(keys: Keys, without: set[str], progress: Progress) -> tuple[int, int]:
    """The number of keys and the sum of their digests: equal for equal keys in any order, in constant memory."""
    count = total = 0
    for key in keys:
        if key[0] not in without:
            count, total = count + 1, total + _digest(key)
            progress.advance(1)
    return count, total


def _digest(key: tuple[str, str | None]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode("utf-8", "replace"), digest_size=16).digest())


def _differences(archive: ArchiveFile, store: Store, scope: Scope, without: set[str], what: str) -> Iterator[Finding]:
    """Which keys differ. Holds all keys in memory, so it is called only when the sums differ."""
    wanted = {key for key in _vaults(archive, scope) if key[0] not in without}
    held = [key for key in _stores(store, scope) if key[0] not in without]
    yield from _named(f"{what} are missing", wanted - set(held))
    yield from _named(f"{what} are there that the vault has not", set(held) - wanted)
    yield from _named(f"{what} are there more than once", {key for key, count in Counter(held).items() if count > 1})


def _named(words: str, keys: Iterable[tuple[str, str | None]]) -> Iterator[Finding]:
    names = sorted(" / ".join(part for part in key if part) for key in keys)
    if names:
        more = ", …" if len(names) > 3 else ""
        yield Finding("index", f"{len(names):,} {words}: {', '.join(names[:3])}{more}")
