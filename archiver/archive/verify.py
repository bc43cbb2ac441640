"""Whether the archive's file is unaltered and its ledger agrees with its records. Finds every fault.

The chain alone can't prove that nothing was cut off its end; a head that was noted elsewhere can.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate

from archiver.archive import chain, erasure_list
from archiver.archive.chain import Entry
from archiver.archive.events import RECORD, WINDOW_SEALED, WINDOW_UNSEALED
from archiver.archive.file import ArchiveFile
from archiver.archive.healing import doubt, future_bookmarks
from archiver.archive.ledger import RecordedWindow, WindowState, claim
from archiver.archive.repair import Mended
from archiver.jsontext import decode
from archiver.model import CELL, Window, to_ms
from archiver.progress import Progress
from archiver.rawrecord import Peek, moment, peek_if_readable, text_of
from archiver.value import Value
from archiver.windows import NEVER

_CELL_MS = int(CELL.total_seconds() * 1000)


class Finding(Value):
    """A fault. `where`: file, schema, chain, body, current, quarantine, erasures, head, ledger, index; or the table of
    a row that steers the harvest: watch, bookmarks, runs, lease, windows.
    """

    where: str
    message: str
    seq: int | None = None


def verify_vault(
    archive: ArchiveFile, progress: Progress, *, head: tuple[int, str] | None = None, now: datetime | None = None
) -> Iterator[Finding]:  # fmt: skip
    """Every fault of the vault's chain and bodies, of the ledger's claims and of the file's schema; `head` was noted
    elsewhere earlier. With `now`, LivePerson's time as well as it is known, also of what lies in the future and of rows
    that steer the harvest and can't be true at that moment. Raises ArchiveError for a file that SQLite can't read any
    further.
    """
    with archive.snapshot():
        damage = archive.inspection.damage()
        yield from (Finding("file", words) for words in damage)
        if not damage:
            yield from (Finding("schema", words) for words in archive.inspection.foreign_parts())
            yield from _vault(archive, progress, head)
            yield from _times(archive, now or NEVER)
            yield from _steering(archive, now) if now else ()


def _steering(archive: ArchiveFile, now: datetime) -> Iterator[Finding]:
    """Nothing was written after the newest entry, or after now, whichever of both clocks is ahead."""
    newest = archive.vault.newest_at()
    for table, words in archive.inspection.wrong_steering(max(now, newest) if newest else now):
        yield Finding(table, words)


def repair_vault(archive: ArchiveFile, now: datetime) -> Mended:
    """Puts right all that is not evidence: the schema, rows that steer the harvest, and, unless the chain is broken,
    rows that follow from it. Raises ArchiveError.
    """
    return archive.repair(now, _claims(archive))


def _vault(archive: ArchiveFile, progress: Progress, head: tuple[int, str] | None) -> Iterator[Finding]:
    if head:
        yield from _against(archive, *head)
    for seq, words in chain.faults(archive.inspection.entries()):
        yield Finding("chain", words, seq)
    cells: Counter[int] = Counter()
    yield from _bodies(archive, progress, cells)
    yield from (Finding(where, words, seq) for where, seq, words in archive.inspection.strays())
    for seq, words in erasure_list.faults(archive.inspection):
        yield Finding("erasures", words, seq)
    yield from _ledger(archive, cells)


def _against(archive: ArchiveFile, seq: int, link: str) -> Iterator[Finding]:
    stored = archive.vault.link_at(seq)
    if stored is None:
        yield Finding("head", f"the noted head {seq} is not there: the vault ends at {archive.vault.head()}", seq)
    elif stored != link:
        yield Finding("head", "the noted head is another: the chain was made anew", seq)


def _bodies(archive: ArchiveFile, progress: Progress, cells: Counter[int]) -> Iterator[Finding]:
    """Faults of single entries. Counts, in `cells`, when the current versions' conversations started."""
    progress.start("verify", archive.vault.head(), "entries")
    try:
        for entry, raw, current in archive.inspection.bodies():
            progress.advance(1)
            peeked = Peek({}, 0) if raw is None or entry.type != RECORD else peek_if_readable(raw)
            info, count = peeked.info, peeked.message_count
            for words in (
                *_of_entry(archive, entry, text_of(info.get("conversationId"))),
                *_of_body(archive, entry, raw),
            ):
                yield Finding("body", words, entry.seq)
            if current is None or raw is None:
                continue
            if count != current.messages:
                yield Finding(
                    "current", f"its row counts {current.messages} messages, its record has {count}", entry.seq
                )
            started_at = moment(info, "startTime")
            started = to_ms(started_at) if started_at else None
            if current.started_ms != started:
                yield Finding("current", "its row names another start than its record", entry.seq)
            if started is not None:
                cells[started // _CELL_MS] += 1
    finally:
        progress.finish()


def _of_entry(archive: ArchiveFile, entry: Entry, conversation_id: str | None) -> Iterator[str]:
    if entry.account != archive.account:
        yield f"belongs to account {entry.account}, the archive to {archive.account}"
    if conversation_id is not None and conversation_id != entry.conversation_id:
        yield f"its body is of conversation {conversation_id}, not {entry.conversation_id}"


def _of_body(archive: ArchiveFile, entry: Entry, raw: bytes | None) -> Iterator[str]:
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


def _ledger(archive: ArchiveFile, cells: Counter[int]) -> Iterator[Finding]:
    """A window recorded as complete must be proven in the chain, and the conversations counted in it must be in the
    vault.
    """
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


def _times(archive: ArchiveFile, now: datetime) -> Iterator[Finding]:
    """What a wrong clock has recorded. A harvest withdraws it, and reads again what is missing."""
    for item in archive.ledger.recorded():
        reason = doubt(item, now)
        if reason:
            state, cure = item.reading.state, "archiver harvest reads it again"
            yield Finding("ledger", f"window {item.reading.window}: is called {state}, but {reason}; {cure}")
    for name in future_bookmarks(archive.ledger, now):
        yield Finding("ledger", f"the bookmark {name} is in the future; a harvest withdraws it")


Claims = dict[Window, tuple[int, object]]


def _claims(archive: ArchiveFile) -> Claims:
    """The windows that the chain proves complete, after all its sealings and unsealings."""
    claims: Claims = {}
    for entry, body, _ in archive.inspection.bodies(WINDOW_SEALED, WINDOW_UNSEALED):
        try:
            said = decode(body or b"")
            window = Window(*(datetime.fromisoformat(said[name]) for name in ("start", "end")))
        except (ValueError, TypeError, KeyError):
            continue  # a fault of the chain, already reported
        if entry.type == WINDOW_UNSEALED:
            claims.pop(window, None)
            continue
        for inner in [item for item in claims if window.start <= item.start and item.end <= window.end]:
            del claims[inner]
        claims[window] = (entry.seq, said)
    return claims


def _window_faults(item: RecordedWindow, kept: int, head: int, claimed: tuple[int, object] | None) -> Iterator[str]:
    reading = item.reading
    if reading.state is WindowState.SEALED and reading.expected != reading.seen:
        yield f"is sealed, though {reading.expected} were announced and {reading.seen} seen"
    if reading.state is WindowState.SEALED and claimed != (item.certificate, claim(reading)):
        yield "is called sealed, and the chain does not say so"
    if reading.state is not WindowState.SEALED and claimed:
        yield f"is called {reading.state}, and the chain says that it was sealed"
    if kept < reading.inside:
        yield f"{reading.inside} conversations were counted in it, and the vault has {kept}"
    if item.vault_head > head:
        yield f"was read when the vault ended at {item.vault_head}, and it ends at {head}"
