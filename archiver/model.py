"""The values that travel through the package. All are frozen; every time is aware UTC, every span half-open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from archiver.value import Value, as_dict

CELL = timedelta(minutes=10)  # LivePerson rounds time bounds to this grid (Messaging Interactions API, Conversations)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
BEFORE_ALL_MS = -(2**53)  # milliseconds: before every time


def to_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    since = moment - EPOCH
    return since.days * DAY_MS + since.seconds * 1_000 + since.microseconds // 1_000


def from_ms(ms: int) -> datetime:
    """Raises OverflowError for moments beyond the years 1 to 9999."""
    return EPOCH + timedelta(milliseconds=ms)


class Window(Value, order=True):
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


class Role(StrEnum):
    """Who speaks. A bot is an agent that is a program."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Participant(Value):
    """Somebody who took part. `ids` are all the ids under which messages may name them."""

    role: Role
    id: str
    name: str
    login: str | None = None
    email: str | None = None
    phone: str | None = None
    group: str | None = None
    ids: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def known_by(self) -> tuple[str, ...]:
        """Every name, login, address, number and id that a search may find them by."""
        named = (self.name, self.login, self.email, self.phone, *self.aliases, *self.ids)
        return tuple(value for value in named if value)


class Zone(StrEnum):
    """What kind of text something is."""

    SAID = "said"  # typed or spoken, and seen by the customer
    NOTE = "note"  # typed or spoken for colleagues only
    CARD = "card"  # titles, texts and buttons of cards, quick replies and forms
    FILE = "file"  # names and captions of files
    LINK = "link"  # where links and buttons lead
    SURVEY = "survey"
    SUMMARY = "summary"
    SDE = "sde"
    ABOUT = "about"  # people, ids, campaign, pages, intents, what bots noted


class Part(NamedTuple):
    """A piece of a message, of one zone."""

    zone: Zone
    text: str


class Delivery(Value):
    """A state that a message reached: `status` as LivePerson names it (ACCEPT, READ); `by`, on whose side."""

    status: str
    by: str | None
    at: datetime | None


class Message(Value):
    """What one participant sent. `text` is all that a person could read in it, as written; `parts`, the same and what
    belongs to it by zone.

    `id` is unique within the conversation. `context` is what bots and programs noted about it, by path. `mcs` is its
    score. `extra` holds fields that this program does not know, by path.
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
    parts: tuple[Part, ...] = ()
    mcs: int | None = None
    deliveries: tuple[Delivery, ...] = ()
    context: tuple[tuple[str, str | int | float | bool], ...] = ()
    extra: tuple[tuple[str, str | int | float | bool], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name, as plain values for a table: the role as text, the time aware UTC."""
        return as_dict(self) | {"role": self.role.value}


class Sde(Value):
    """An engagement attribute. A path of `values` may repeat: lists are flattened without their positions."""

    conversation_id: str
    type: str
    at: datetime | None
    is_authenticated: bool
    values: tuple[tuple[str, str | int | float | bool], ...]

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name; `values` as a dictionary from path to the list of values there."""
        values: dict[str, list[str | int | float | bool]] = {}
        for path, value in self.values:
            values.setdefault(path, []).append(value)
        return as_dict(self) | {"values": values}


class SurveyAnswer(Value):
    """A survey question with its answer; `by` is who filled the survey in."""

    survey: str
    by: Role
    question: str | None
    answer: str | None


class Event(Value):
    """Something that happened beside the messages: a transfer, somebody joining, the close."""

    at: datetime | None
    kind: str
    text: str


class Former(Value):
    """A message as LivePerson showed it until it was edited, masked or deleted."""

    message: Message
    until: datetime


class Dialog(Value):
    """A part of a conversation: the main dialog, or a survey after it."""

    id: str | None
    type: str | None
    status: str | None = None
    channel: str | None = None
    skill: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    close_reason: str | None = None


class Metadata(Value):
    """What LivePerson says about a conversation beside its messages."""

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
    nps: float | None = None
    fcr: str | None = None
    campaign: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    country: str | None = None
    city: str | None = None
    transfers: int = 0
    is_first: bool | None = None
    is_partial: bool = False
    extra: tuple[tuple[str, str | int | float | bool], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Its fields by name, as plain values for a table: agents and consumers by their names."""
        people = {"agents": self.agents, "consumers": self.consumers}
        return as_dict(self) | {kind: [person.name for person in persons] for kind, persons in people.items()}


class Transcript(Value):
    """A conversation as a person reads it: messages in the order they were sent. `about` is what is known about it
    beside what was said, by path: people, ids, campaign, pages, intents, what bots noted. `former` are earlier texts,
    `facts` all other values of the record by their path, `states` what LivePerson did to it since it was archived:
    changed, masked, deleted, vanished.
    """

    metadata: Metadata
    messages: tuple[Message, ...] = ()
    sdes: tuple[Sde, ...] = ()
    answers: tuple[SurveyAnswer, ...] = ()
    summaries: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    dialogs: tuple[Dialog, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    former: tuple[Former, ...] = ()
    states: tuple[str, ...] = ()
    facts: tuple[tuple[str, str | int | float | bool], ...] = ()

    @property
    def id(self) -> str:
        return self.metadata.conversation_id

    def numbering(self) -> dict[str, int]:
        """The number of each message that LivePerson shows now, from 1, by its id."""
        return {message.id: number for number, message in enumerate(self.messages, 1)}
