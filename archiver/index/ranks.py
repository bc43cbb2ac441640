"""The numbers that results are sorted by, the same in every store. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from archiver.index.results import Key, KeyPage, Sort
from archiver.model import Transcript, from_ms, to_ms

_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_MINUTES = 1 << 25  # 63 years
_MOST = (1 << 37) - 1  # the largest value: as milliseconds, four years
_CSAT_PARTS = 1_000_000  # an average CSAT is no integer


def rank(moment: datetime | None) -> int:
    """Milliseconds since the epoch, 0 for an unknown time."""
    return to_ms(moment) if moment else 0


def _csat(transcript: Transcript) -> int | None:
    csat = transcript.metadata.csat
    return None if csat is None else round(min(max(csat, 0.0), 1e4) * _CSAT_PARTS)


def _lowest(value: int | None) -> int | None:
    return None if value is None else _MOST - 1 - max(value, 0)


_VALUES: Mapping[Sort, Callable[[Transcript], int | None]] = {
    Sort.DURATION: lambda t: t.metadata.duration_ms,
    Sort.MESSAGES: lambda t: len(t.messages),
    Sort.MCS: lambda t: t.metadata.mcs,
    Sort.CSAT: _csat,
    Sort.LOWEST_MCS: lambda t: _lowest(t.metadata.mcs),
    Sort.LOWEST_CSAT: lambda t: _lowest(_csat(t)),
}
RANKED = tuple(_VALUES)  # sorts by a number that the index holds of each conversation


def rank_by(sort: Sort, transcript: Transcript) -> int:
    """The number of a conversation under one of `RANKED`, highest first."""
    return packed(_VALUES[sort](transcript), transcript.metadata.started_at)


def packed(value: int | None, started_at: datetime | None) -> int:
    """One number that sorts by a value, and by the minute of the start where values are equal; 63 bits."""
    minutes = (started_at - _FIRST) // timedelta(minutes=1) if started_at else 0
    place = 0 if value is None else min(max(value, 0), _MOST - 1) + 1
    return place * _MINUTES + min(max(minutes, 0), _MINUTES - 1)


def most_matches_first(found: Iterable[Key], matching: Mapping[str, int]) -> list[Key]:
    """Conversations by how many of their messages match; `found` has the start of each as its rank."""
    ranked = (
        Key(key.conversation_id, None, packed(matching.get(key.conversation_id, 0), from_ms(key.rank))) for key in found
    )
    return sorted(ranked, key=lambda key: key.order, reverse=True)


def page_of(ordered: Sequence[Key], limit: int, after: Key | None, *, is_descending: bool) -> KeyPage:
    """The page after a key of all results in their order."""
    rest = [
        key
        for key in ordered
        if after is None or (key.order < after.order if is_descending else key.order > after.order)
    ]
    return KeyPage(tuple(rest[:limit]), len(ordered), rest[limit - 1] if len(rest) > limit else None)
