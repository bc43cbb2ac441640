"""The inputs and outputs of a search index: versions, refusals, keys, pages of results. All frozen."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from enum import StrEnum

from archiver.errors import ConfigError
from archiver.jsontext import decode, encode
from archiver.model import Transcript
from archiver.query import Match
from archiver.value import Value


class Version(Value):
    """A conversation as the vault's entry `seq` holds it. `is_first`: the vault has no earlier entry of it."""

    seq: int
    transcript: Transcript
    is_first: bool = False
    fetched_at: str | None = None

    @property
    def conversation_id(self) -> str:
        return self.transcript.id


def digest_of(version: Version) -> str:
    """Identifies the content of a version as an index should hold it: its entry and its whole transcript."""
    return hashlib.blake2b(encode([version.seq, version.transcript]), digest_size=16).hexdigest()


class Position(Value):
    """Up to which vault entry an index is applied. `link` is that entry's link, which no other history of the archive
    has.
    """

    seq: int = 0
    link: str = ""


class Comparison(Value):
    """How the documents of some conversations differ from their current versions: the id of each that the index does
    not hold as it is, with what is wrong. `documents` counts the documents that it holds of these conversations.
    """

    faults: tuple[tuple[str, str], ...]
    documents: int


def differing(versions: Iterable[Version], difference: Callable[[Version], str]) -> tuple[tuple[str, str], ...]:
    """The versions of which `difference` tells something, each by its conversation's id, with what it tells."""
    told = ((version.transcript.id, difference(version)) for version in versions)
    return tuple((conversation_id, words) for conversation_id, words in told if words)


def none_held(versions: Iterable[Version]) -> Comparison:
    """The comparison with an index that does not exist yet."""
    return Comparison(differing(versions, lambda version: "missing"), 0)


class Refusal(Value):
    """A vault entry, or documents of it, that an index does not hold, and why."""

    seq: int
    conversation_id: str
    reason: str


class Sort(StrEnum):
    """The order of results. Those by a value have the highest first and conversations without one last; equal ones by
    the minute in which they started, newest first, then by id.
    """

    NEWEST = "newest"
    OLDEST = "oldest"
    RELEVANCE = "relevance"
    MATCHES = "matches"  # by how many messages hold words of the query
    DURATION = "duration"
    MESSAGES = "messages"
    MCS = "mcs"
    CSAT = "csat"
    LOWEST_MCS = "lowest-mcs"
    LOWEST_CSAT = "lowest-csat"


OF_MESSAGES = (Sort.NEWEST, Sort.OLDEST, Sort.RELEVANCE)  # the orders of messages


class Key(Value):
    """One result: a conversation, or one message of it. Texts come from the vault. `rank` is what it is sorted by: its
    time, or a number of `ranks`.
    """

    conversation_id: str
    message_id: str | None = None
    rank: int = 0

    @property
    def order(self) -> tuple[int, str, str]:
        """By what results are sorted, the same in every store: no two results have the same."""
        return self.rank, self.conversation_id, self.message_id or ""


class KeyPage(Value):
    """One page of results. `total` is exact; `next` is the last key of the page if there are more."""

    keys: tuple[Key, ...] = ()
    total: int = 0
    next: Key | None = None


_LARGEST_RANK = 2**63


def as_cursor(key: Key, sort: Sort) -> str:
    """A key in an order as an opaque text that can be given as an argument or in an address."""
    content = [sort.value, key.rank, key.conversation_id, key.message_id]
    return urlsafe_b64encode(encode(content)).decode().rstrip("=")


def read_cursor(cursor: str, sort: Sort) -> Key:
    """The key that a cursor was made of. Raises ConfigError for any other text, and for a cursor of another order."""
    try:
        order, rank, conversation_id, message_id = decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = Key(conversation_id, message_id, rank)
        is_number = type(rank) is int and abs(rank) < _LARGEST_RANK
        is_cursor = is_number and isinstance(conversation_id, str) and as_cursor(key, Sort(order)) == cursor
    except (ValueError, TypeError):
        is_cursor = False
    if not is_cursor:
        raise ConfigError(f"{cursor!r} is no cursor", hint="Give the `next` of an earlier page of the same search.")
    if order != sort:
        raise ConfigError(f"this is a cursor of hits sorted by {order}", hint=f"Sort by {order}, or begin anew.")
    return key


class Hit(Value):
    """A result with its texts: a transcript without events and facts (`Archive.transcript` returns the whole one).
    `fault`: why the conversation can't be shown; its transcript is empty then.
    """

    transcript: Transcript
    matches: tuple[Match, ...] = ()
    message_id: str | None = None
    fault: str | None = None


class Results(Value):
    """Hits and their total. `doubts`: why some may be missing. `is_complete`: all were searched, all are readable."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    next: str | None = None
    notices: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    is_complete: bool = True
