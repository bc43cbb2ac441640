"""Is the archive what was written, is the ledger true of it, and does the index hold just that? Finds all, cures none.

What a chain can't show by itself, that nothing was cut off its end, shows only a head that was noted elsewhere.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from archiver import chain
from archiver.archive import Archive
from archiver.documents import project
from archiver.encoding import decode
from archiver.events import RECORD, UNSEALED
from archiver.events import SEALED as SEALED_EVENT
from archiver.ledger import SEALED, Recorded, claim
from archiver.model import CELL, Entry, Scope, Sort, Transcript, Window, to_ms
from archiver.progress import Progress
from archiver.query import Everything
from archiver.records import count_messages
from archiver.stores import Store

_CELL_MS = int(CELL.total_seconds() * 1000)
_PAGE = 1_000

Keys = Iterator[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be. `where`: file, chain, body, current, aside, head, ledger, index."""

    where: str
    words: str
    seq: int | None = None


def verify_vault(archive: Archive, progress: Progress, *, head: tuple[int, str] | None = None) -> Iterator[Finding]:
    """Every fault of the vault's chain and bodies and of the ledger's claims; `head` was noted earlier, elsewhere.

    Raises ArchiveError for a file that SQLite can't read any further.
    """
    with archive.unmoved():
        damage = archive.damage()
        yield from (Finding("file", words) for words in damage)
        if not damage:
            yield from _vault(archive, progress, head)


def _vault(archive: Archive, progress: Progress, head: tuple[int, str] | None) -> Iterator[Finding]:
    if head:
        yield from _against(archive, *head)
    for seq, words in chain.faults(archive.inspection.entries()):
        yield Finding("chain", words, seq)
    cells: Counter[int] = Counter()
    yield from _bodies(archive, progress, cells)
    yield from (Finding(where, words, seq) for where, seq, words in archive.inspection.strays())
    yield from _ledger(archive, cells)


def _against(archive: Archive, seq: int, link: str) -> Iterator[Finding]:
    found = archive.vault.link_at(seq)
    if found is None:
        yield Finding("head", f"the noted head {seq} is not there: the vault ends at {archive.vault.head()}", seq)
    elif found != link:
        yield Finding("head", "the noted head is another: the chain was made anew", seq)


def _bodies(archive: Archive, progress: Progress, cells: Counter[int]) -> Iterator[Finding]:
    """Faults of single entries. Counts, in `cells`, when the current versions' conversations started."""
    progress.start("verify", archive.vault.head(), "entries")
    try:
        for entry, raw, current in archive.inspection.bodies():
            progress.advance(1)
            transcript = None if raw is None or entry.type != RECORD else _read(raw)
            for words in (*_of_entry(archive, entry, transcript), *_of_body(archive, entry, raw)):
                yield Finding("body", words, entry.seq)
            if current is None or raw is None:
                continue
            count = count_messages(raw)
            if count != current.messages:
                yield Finding("current", f"it is said to have {current.messages} messages, not {count}", entry.seq)
            started = to_ms(transcript.metadata.started_at) if transcript and transcript.metadata.started_at else None
            if current.started_ms != started:
                yield Finding("current", "it is said to have started at another time", entry.seq)
            if started is not None:
                cells[started // _CELL_MS] += 1
    finally:
        progress.finish()


def _of_entry(archive: Archive, entry: Entry, transcript: Transcript | None) -> Iterator[str]:
    if entry.account != archive.account:
        yield f"belongs to account {entry.account}, the archive to {archive.account}"
    if transcript and transcript.id != entry.conversation_id:
        yield f"its body is of conversation {transcript.id}, not {entry.conversation_id}"


def _of_body(archive: Archive, entry: Entry, raw: bytes | None) -> Iterator[str]:
    if raw is None:
        if archive.inspection.has_body(entry) or not archive.inspection.is_removed(entry):
            yield "its body is missing, or is not what was kept"
        return
    if len(raw) != entry.size:
        yield f"its body has {len(raw)} bytes, not {entry.size}"
    if not archive.inspection.is_fingerprint(entry, raw):
        yield "its fingerprint is not that of its body"
    if archive.inspection.is_removed(entry):
        yield "its body was removed on purpose, and is there again"


def _read(raw: bytes) -> Transcript | None:
    try:
        return project(raw)
    except ValueError:
        return None


def _ledger(archive: Archive, cells: Counter[int]) -> Iterator[Finding]:
    """A window that is called complete must have been, and what it counted must be in the vault."""
    altered = list(archive.ledger.altered())
    yield from (Finding("ledger", f"the row of {key} was changed after it was written") for key in altered)
    if altered:
        return  # what such rows claim can't be compared
    starts = sorted(cells)
    before = [0, *accumulate(cells[cell] for cell in starts)]
    head, claims = archive.vault.head(), _claims(archive)
    for item in archive.ledger.recorded():
        window = item.reading.window
        low, high = (to_ms(at) // _CELL_MS for at in (window.start, window.end))
        kept = before[bisect_left(starts, high)] - before[bisect_left(starts, low)]
        for words in _window_faults(item, kept, head, claims.pop(window, None)):
            yield Finding("ledger", f"window {window}: {words}")
    for window in claims:
        yield Finding("ledger", f"window {window}: was sealed, and the ledger does not know it any more")


Claims = dict[Window, tuple[int, object]]


def _claims(archive: Archive) -> Claims:
    """What the chain says is proven complete: its sealings and unsealings, one after the other."""
    claims: Claims = {}
    for entry, body, _ in archive.inspection.bodies(SEALED_EVENT, UNSEALED):
        try:
            said = decode(body or b"")
            window = Window(*(datetime.fromisoformat(said[name]) for name in ("start", "end")))
        except (ValueError, TypeError, KeyError):
            continue  # a fault of the chain, which was said
        if entry.type == UNSEALED:
            claims.pop(window, None)
            continue
        for inner in [item for item in claims if window.start <= item.start and item.end <= window.end]:
            del claims[inner]
        claims[window] = (entry.seq, said)
    return claims


def _window_faults(item: Recorded, kept: int, head: int, claimed: tuple[int, object] | None) -> Iterator[str]:
    reading = item.reading
    if reading.state == SEALED and reading.expected != reading.seen:
        yield f"is sealed, though {reading.expected} were announced and {reading.seen} seen"
    if reading.state == SEALED and claimed != (item.certificate, claim(reading)):
        yield "is called sealed, and the chain does not say so"
    if reading.state != SEALED and claimed:
        yield f"is called {reading.state}, and the chain says that it was sealed"
    if kept < reading.inside:
        yield f"{reading.inside} conversations were counted in it, and the vault has {kept}"
    if item.vault_head > head:
        yield f"was read when the vault ended at {item.vault_head}, and it ends at {head}"


# ── the index ──


def verify_index(archive: Archive, store: Store, progress: Progress) -> Iterator[Finding]:
    """Whether the index holds just the conversations and messages of the vault's current versions."""
    applied, head = store.applied(), archive.vault.head()
    if applied != head:
        yield Finding("index", f"it has applied entry {applied} of {head}: archiver reindex")
        return
    refused = {refusal.conversation_id for refusal in store.refused()}
    for scope, what in ((Scope.CONVERSATION, "conversations"), (Scope.MESSAGE, "messages")):
        progress.start(f"compare {what}", None, what)
        wanted, held = _sum(_vaults(archive, scope), refused, progress), _sum(_stores(store, scope), refused, progress)
        progress.finish()
        if wanted != held:
            yield from _differences(archive, store, scope, refused, what)


def _vaults(archive: Archive, scope: Scope) -> Keys:
    for record in archive.vault.after(0):
        if scope is Scope.CONVERSATION:
            yield record.conversation_id, None
        else:
            transcript = _read(record.raw)
            yield from ((record.conversation_id, message.id) for message in (transcript.messages if transcript else ()))


def _stores(store: Store, scope: Scope) -> Keys:
    after: int | None = None
    while True:
        found = store.search(Everything(), scope=scope, sort=Sort.OLDEST, limit=_PAGE, after=after)
        yield from ((key.conversation_id, key.message_id) for key in found.keys)
        after = found.next
        if after is None:
            return


def _sum(keys: Keys, without: set[str], progress: Progress) -> tuple[int, int]:
    """How many keys there are, and a sum of their digests: equal for equal keys in any order, whatever their number."""
    count = total = 0
    for key in keys:
        if key[0] not in without:
            count, total = count + 1, total + _digest(key)
            progress.advance(1)
    return count, total


def _digest(key: tuple[str, str | None]) -> int:
    return int.from_bytes(hashlib.blake2b(repr(key).encode("utf-8", "replace"), digest_size=16).digest())


def _differences(archive: Archive, store: Store, scope: Scope, without: set[str], what: str) -> Iterator[Finding]:
    """Which keys differ; only now are they held in memory."""
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
