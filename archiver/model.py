"""The values that travel through the package. All are frozen; every time is aware UTC, every span half-open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

CELL = timedelta(minutes=10)  # LivePerson rounds time bounds to this grid (Messaging Interactions API, Conversations)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    since = moment - EPOCH
    return since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000


def from_ms(ms: int) -> datetime:
    """Raises OverflowError for moments beyond the years 1 to 9999."""
    return EPOCH + timedelta(milliseconds=ms)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A span of conversation start times, `[start, end)`."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware times")
        if self.start >= self.end:
            raise ValueError(f"a window must end after it starts: {self.start} .. {self.end}")

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M} .. {self.end:%Y-%m-%d %H:%M}"

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Conversation:
    """One record as LivePerson gave it: the few fields we steer by, and the exact bytes."""

    id: str
    started_at: datetime | None
    is_open: bool
    is_partial: bool
    raw: bytes
    ended_at: datetime | None
    messages: int


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of an answer that we could not read far enough to keep it under its id."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Page:
    """One answer. `total` counts the whole query; `is_complete` is false if some search shards failed."""

    conversations: tuple[Conversation, ...]
    unreadable: tuple[Unreadable, ...]
    total: int
    is_complete: bool

    def __len__(self) -> int:
        return len(self.conversations) + len(self.unreadable)


NO_PAGE = Page((), (), 0, True)  # there are none


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one conversation in the vault, or an event. The body lies apart, so that it can go and the chain
    holds.
    """

    seq: int
    account: str
    conversation_id: str
    fetched_at: str
    type: str
    fingerprint: bytes
    commitment: bytes
    size: int
    prev: bytes


class Role(StrEnum):
    """Who speaks. Agents that are programs are bots."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Participant:
    role: Role
    id: str
    name: str
    login: str | None = None
    email: str | None = None
    phone: str | None = None
    group: str | None = None
    ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """What one participant sent. `text` is all that a person could read in it, as written.

    `id` is unique within the conversation. `extra` holds fields that this program does not know, by path.
    """

    id: str
    conversation_id: str
    dialog_id: str | None
    seq: int | None
    sent_at: datetime | None
    role: Role
    sender_id: str | None
    sender: str
    type: str
    is_private: bool
    text: str
    file: str | None = None
    extra: tuple[tuple[str, str | int | float | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Sde:
    """An engagement attribute. A path of `values` may repeat: lists are flattened without their positions."""

    conversation_id: str
    type: str
    at: datetime | None
    is_authenticated: bool
    values: tuple[tuple[str, str | int | float | bool], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A survey question with its answer; `by` is who filled the survey in."""

    survey: str
    by: Role
    question: str | None
    answer: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened beside the messages: a transfer, somebody joining, the close."""

    at: datetime | None
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Metadata:
    conversation_id: str
    account: str
    status: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: int | None = None
    close_reason: str | None = None
    close_description: str | None = None
    source: str | None = None
    device: str | None = None
    language: str | None = None
    browser: str | None = None
    operating_system: str | None = None
    skill_id: str | None = None
    skill: str | None = None
    skills: tuple[str, ...] = ()
    skill_ids: tuple[str, ...] = ()
    group_id: str | None = None
    group: str | None = None
    agents: tuple[Participant, ...] = ()
    consumers: tuple[Participant, ...] = ()
    csat: float | None = None
    mcs: int | None = None
    campaign: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    country: str | None = None
    city: str | None = None
    transfers: int = 0
    is_first: bool | None = None
    is_partial: bool = False
    extra: tuple[tuple[str, str | int | float | bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A conversation as a person reads it: messages in the order they were sent."""

    metadata: Metadata
    messages: tuple[Message, ...] = ()
    sdes: tuple[Sde, ...] = ()
    answers: tuple[Answer, ...] = ()
    summaries: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def id(self) -> str:
        return self.metadata.conversation_id


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


class Scope(StrEnum):
    """What a result is, and what a query must be true of."""

    CONVERSATION = "conversation"
    MESSAGE = "message"


class Sort(StrEnum):
    NEWEST = "newest"
    OLDEST = "oldest"
    RELEVANCE = "relevance"


@dataclass(frozen=True, slots=True)
class Snippet:
    """A text with the spans that a query marks in it: `[start, end)`, in order, apart, in code points."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()

    def pieces(self) -> Iterator[tuple[str, bool]]:
        """The text cut at the marks: (piece, whether it is marked)."""
        at = 0
        for start, end in self.marks:
            if at < start:
                yield self.text[at:start], False
            yield self.text[start:end], True
            at = end
        if at < len(self.text):
            yield self.text[at:], False


@dataclass(frozen=True, slots=True)
class Match:
    """A text in which a query matched: `where` is its zone (see `fields.ZONES`)."""

    where: str
    snippet: Snippet
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """What a store answers with: a conversation, or one message of it. Texts come from the vault."""

    conversation_id: str
    message_id: str | None = None
    cursor: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """One page of results. `total` is exact; `next` asks for the page after this one."""

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
    notices: tuple[str, ...] = field(default=())


_TIE_BITS = 20


def rank(moment: datetime | None, identity: str) -> int:
    """A number that sorts by time to the millisecond, then by identity: the same order on every store.

    Fits a signed 64-bit integer until the year 2248. Two identities of one millisecond share a rank once in a million.
    """
    tie = int.from_bytes(hashlib.sha256(identity.encode("utf-8", "replace")).digest()[:4], "big") >> (32 - _TIE_BITS)
    return ((to_ms(moment) if moment else 0) << _TIE_BITS) | tie
