"""Measures the coverage of a span by what the archive's file holds."""

from __future__ import annotations

from datetime import datetime

from archiver.archive import healing
from archiver.archive.coverage import Coverage, measure_coverage, whole_span
from archiver.archive.ledger import Bookmark, Ledger
from archiver.archive.presence import Presence
from archiver.archive.vault import Vault
from archiver.model import Window, from_ms, to_ms

_DAY_MS = 86_400_000


def coverage_of(
    vault: Vault, ledger: Ledger, presence: Presence, now: datetime, *, start: datetime | None, end: datetime | None
) -> Coverage:
    """`ArchiveFile.coverage`. Readings that were dated by a wrong clock do not count."""
    readings = list(healing.believed(ledger.recorded(), now))
    whole = whole_span(readings, now, ledger.bookmark(Bookmark.TARGET))
    span = Window(start or whole.start, min(end or whole.end, whole.end))
    kept = {from_ms(day * _DAY_MS).date(): count for day, count in vault.started(_DAY_MS)}
    shallow = vault.count_shallow(to_ms(span.start), to_ms(span.end))
    vanished = tuple(presence.vanished_within(span))
    return measure_coverage(span, readings, kept, now, shallow=shallow, vanished=vanished)
