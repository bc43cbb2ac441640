"""The inputs and outputs of a search index: versions, refusals, keys, pages of results. All frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from archiver.model import Transcript, to_ms
from archiver.query import Match


@dataclass(frozen=True, slots=True)
class Version:
    """A conversation as the vault's entry `seq` holds it. `is_first`: the vault has no earlier entry of it."""

    seq: int
    transcript: Transcript
    is_first: bool = False
    fetched_at: str | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A vault entry, or documents of it, that an index does not hold, and why."""

    seq: int
    conversation_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Facet:
    """How many conversations of a result have a value."""

    value: str
    count: int


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True)
class Key:
    """One result: a conversation, or one message of it. Texts come from the vault."""

    conversation_id: str
    message_id: str | None = None
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results. `total` is exact; `next` is the cursor of the next page."""

    keys: tuple[Key, ...] = ()
    total: int = 0
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    transcript: Transcript
    matches: tuple[Match, ...] = ()
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    hits: tuple[Hit, ...] = ()
    total: int = 0
    next: int | None = None
    notices: tuple[str, ...] = ()


_TIE_BITS = 20


def rank(moment: datetime | None, identity: str) -> int:
    """A number that sorts by time to the millisecond, then by identity: the same order on every store.

    Fits a signed 64-bit integer until the year 2248. Two identities of one millisecond share a rank once in a million.
    """
    tie = int.from_bytes(hashlib.sha256(identity.encode("utf-8", "replace")).digest()[:4], "big") >> (32 - _TIE_BITS)
    return ((to_ms(moment) if moment else 0) << _TIE_BITS) | tie


def most_frequent(counts: Mapping[str, int], limit: int) -> tuple[Facet, ...]:
    """The same order in every store: most frequent first, equal counts in the order of their text."""
    return tuple(Facet(*pair) for pair in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])
