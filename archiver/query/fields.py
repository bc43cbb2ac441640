"""The fields of the query language, and what each one reads in a transcript. Pure.

Three kinds: *zones* hold text that was said, written or recorded; *keywords* hold words about the conversation;
*numbers* can be compared. Every store indexes what these tables read, and the parser knows the fields from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from archiver.model import Former, Message, Participant, Role, Transcript, Zone, to_ms
from archiver.rawrecord import Scalar, as_text, number
from archiver.value import Value

SDE = Zone.SDE.value
RECORD = "record"  # any value of LivePerson's record, by its path
PATHS = (f"{SDE}.", f"{RECORD}.")  # with which places that are named by a path begin
ZONES = tuple(zone.value for zone in Zone)  # searched by words without a field
MESSAGE_ZONES = ("said", "note", "card", "file", "link")  # zones that consist of messages
SAME_ZONE = {"text": "said"}  # names of earlier versions of the language
BY, HAS = "by", "has"
NamesOf = Callable[[str], Iterable[str]]  # the places at which a value of a path can be searched


class Passage(Value):
    """One piece of text; a phrase matches within one passage only. `path` is that of an SDE or of a fact, or the
    question of a survey's answer. `until`: when LivePerson stopped showing it; None if it shows it now.
    """

    zone: str
    text: str
    message: Message | None = None
    path: str | None = None
    until: datetime | None = None

    @property
    def is_earlier(self) -> bool:
        """Whether LivePerson does not show this text any more."""
        return self.until is not None


def passages(transcript: Transcript) -> Iterator[Passage]:
    """Everything that words without a field search."""
    for message in transcript.messages:
        yield from message_passages(message)
    yield from earlier_passages(transcript.former)
    for answer in transcript.answers:
        for text in (answer.question, answer.answer):
            if text:
                yield Passage(Zone.SURVEY.value, text, path=answer.question)
    for text in transcript.summaries:
        yield Passage(Zone.SUMMARY.value, text)
    for sde in transcript.sdes:
        for path, value in sde.values:
            yield Passage(SDE, as_text(value), path=path)
    for path, text in transcript.about:
        yield Passage(Zone.ABOUT.value, text, path=path)


def message_passages(message: Message) -> Iterator[Passage]:
    """What words without a field search in one message."""
    return (Passage(part.zone, part.text, message) for part in message.parts)


def every_message(transcript: Transcript) -> Iterator[Message]:
    """All messages, those too that LivePerson does not show any more: of each of these the last text that it had."""
    yield from transcript.messages
    shown = {message.id for message in transcript.messages}
    yield from {item.message.id: item.message for item in transcript.former if item.message.id not in shown}.values()


def earlier_passages(former: Iterable[Former]) -> Iterator[Passage]:
    """What was in messages before they were edited, masked or deleted."""
    for item in former:
        for part in item.message.parts:
            yield Passage(part.zone, part.text, item.message, until=item.until)


def sde_names(path: str) -> Iterator[str]:
    """The places at which a value of an SDE can be searched: `sde.customerInfo.customerId`, and `sde.customerId`;
    `sde.customerInfo.*` stands for all that begin so. Lower case.
    """
    parts = path.lower().split(".")
    for end in range(1, len(parts)):
        yield f"{SDE}.{'.'.join(parts[:end])}.*"
    for start in range(len(parts)):
        yield f"{SDE}.{'.'.join(parts[start:])}"


def _people(people: Iterable[Participant]) -> Iterator[str]:
    return (value for person in people for value in person.known_by)


def _present(*values: str | None) -> Iterator[str]:
    return (value for value in values if value)


def status_of(transcript: Transcript) -> Iterator[str]:
    """`open` or `closed`, or what LivePerson wrote instead."""
    status = (transcript.metadata.status or "").lower()
    return _present(SAME_VALUE.get(status, status))


def has_values(transcript: Transcript) -> Iterator[str]:
    """What a conversation has, of `HAS_VALUES`."""
    messages = transcript.messages
    types, zones = {message.type for message in messages}, {part.zone for message in messages for part in message.parts}
    present = {
        "attachment": any(message.file for message in messages),
        "card": "RICH_CONTENT" in types,
        "form": any(type_.startswith("SECURE_FORM") for type_ in types),
        "link": "LINK" in types or Zone.LINK in zones,
        "note": any(message.is_private for message in messages),
        "sde": bool(transcript.sdes),
        "submission": "SECURE_FORM_SUBMIT" in types,
        "summary": bool(transcript.summaries),
        "survey": any(answer.by is Role.CUSTOMER for answer in transcript.answers),
        "transfer": transcript.metadata.transfers > 0,
    }
    yield from (name for name, is_there in present.items() if is_there)
    yield from transcript.states


HAS_STATES = ("changed", "masked", "deleted", "vanished")  # what LivePerson did to a conversation since it was archived
HAS_VALUES = (
    "attachment", "card", "form", "link", "note", "sde", "submission", "summary", "survey", "transfer",
    *HAS_STATES,
)  # fmt: skip

# Fields whose values are all known: LivePerson's documents give a conversation's status as OPEN or CLOSE (Messaging
# Interactions API, Conversations); the values of `has` are ours. Any other value is an error, as it would find nothing.
VALUES: Mapping[str, tuple[str, ...]] = {HAS: HAS_VALUES, "status": ("open", "closed")}
SAME_VALUE: Mapping[str, str] = {"close": "closed"}
# Values that LivePerson's documents or records name for a field that may hold others, too: a hint, no limit.
USUAL_VALUES: Mapping[str, tuple[str, ...]] = {
    "closed": ("agent", "consumer", "system", "timeout"), "fcr": ("yes", "no"),
}  # fmt: skip

# A keyword matches as a word, a phrase or a prefix of it, in any case and accent.
KEYWORDS: Mapping[str, Callable[[Transcript], Iterable[str]]] = {
    "agent": lambda t: _people(t.metadata.agents),
    "anyskill": lambda t: (*t.metadata.skills, *t.metadata.skill_ids),
    "campaign": lambda t: t.metadata.campaign,
    "closed": lambda t: _present(t.metadata.close_reason, t.metadata.close_description),
    "customer": lambda t: _people(t.metadata.consumers),
    "fcr": lambda t: _present(t.metadata.fcr),
    "device": lambda t: _present(t.metadata.device, t.metadata.browser, t.metadata.operating_system),
    "group": lambda t: _present(t.metadata.group, t.metadata.group_id),
    "id": lambda t: (t.id,),
    "intent": lambda t: t.metadata.intents,
    "lang": lambda t: _present(t.metadata.language),
    "page": lambda t: t.metadata.pages,
    "place": lambda t: _present(t.metadata.country, t.metadata.city),
    "skill": lambda t: _present(t.metadata.skill, t.metadata.skill_id),
    "source": lambda t: _present(t.metadata.source),
    "status": status_of,
    HAS: has_values,
    BY: lambda t: dict.fromkeys(message.role.value for message in t.messages),
}


def _one(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)


def _time(moment: datetime | None) -> tuple[float, ...]:
    return _one(to_ms(moment) if moment else None)


# All numbers of a conversation under a name; a comparison is true if it is true of one of them.
DURATION = "duration"  # in milliseconds
NUMBERS: Mapping[str, Callable[[Transcript], tuple[float, ...]]] = {
    "csat": lambda t: _one(t.metadata.csat),
    DURATION: lambda t: _one(t.metadata.duration_ms),
    "end": lambda t: _time(t.metadata.ended_at),
    "mcs": lambda t: _one(t.metadata.mcs),
    "messages": lambda t: (len(t.messages),),
    "nps": lambda t: _one(t.metadata.nps),
    "sent": lambda t: tuple(dict.fromkeys(time for message in t.messages for time in _time(message.sent_at))),
    "start": lambda t: _time(t.metadata.started_at),
    "transfers": lambda t: (t.metadata.transfers,),
}
SENT = "sent"  # the one number that each message has of its own
DATES: Mapping[str, str] = {"started": "start", "ended": "end", "sent": SENT}  # fields that compare times
RANGES: Mapping[str, tuple[float, float]] = {"csat": (1, 5), "mcs": (0, 100), "nps": (0, 10)}  # all that there can be


def message_numbers(message: Message) -> Mapping[str, tuple[float, ...]]:
    """The numbers that a message has of its own."""
    return {SENT: _time(message.sent_at)}


def path_numbers(transcript: Transcript) -> Iterator[tuple[str, float]]:
    """The numbers of SDEs and of the record, under each name of their path: (sde.name or record.name, number)."""
    for names_of, path, value in path_values(transcript):
        yield from numbers_at(names_of, path, value)


def path_values(transcript: Transcript) -> Iterator[tuple[NamesOf, str, Scalar]]:
    """The values of SDEs and of the record: (what names the places of its path, its path, the value)."""
    for sde in transcript.sdes:
        yield from ((sde_names, path, value) for path, value in sde.values)
    yield from ((fact_names, path, value) for path, value in transcript.facts)


def numbers_at(names_of: NamesOf, path: str, value: Scalar) -> Iterator[tuple[str, float]]:
    """The number that a value is, if it is one, under each name of its path."""
    found = None if isinstance(value, bool) else number(value)
    return ((name, found) for name in names_of(path)) if found is not None else iter(())


def fact_names(path: str) -> tuple[str, ...]:
    """The places at which a value of the record can be searched: `record.info.mcs`, and `record.mcs`. Lower case."""
    names = f"{RECORD}.{path}".lower(), f"{RECORD}.{path.rsplit('.', 1)[-1]}".lower()
    return tuple(dict.fromkeys(names))


def fact_words(transcript: Transcript) -> Iterator[tuple[str, str]]:
    """The values of the record as texts, with their paths. Numbers below zero are compared only: a word has no sign."""
    for path, value in transcript.facts:
        if isinstance(value, str | bool) or value >= 0:
            yield path, as_text(value)


# The meaning of each field, for help texts and documentation; a test checks that none is missing.
MEANING: Mapping[str, str] = {
    "said": "words that were typed or spoken and that the customer could see",
    "note": "words of a private note between agents",
    "card": "words of cards, buttons, quick replies and forms",
    "file": "words of a file's name or caption",
    "link": "words of the address that a link or button leads to",
    "survey": "words of a survey's questions and answers",
    "summary": "words of the summary",
    "about": "names, logins, e-mails, phones and ids of people; campaign, pages, intents, what bots noted",
    "sde": "words of any SDE value; sde.customerId:C123 looks at one path",
    "record": "any other value of LivePerson's record: record.info.latestQueueState:active, record.alertedMCS:<0",
    "from": "customer, agent, bot or system: limits the words beside it to such messages; -from:bot to all others",
    "in": "a zone, such as card or note: limits the words beside it to that kind of text; -in:card leaves it out",
    "is": "current or earlier: limits the words beside it to texts that LivePerson shows now, or showed before",
    "agent": "name, login or id of anybody who took part for the brand",
    "anyskill": "name or id of any skill the conversation passed",
    "bot": 'whole name of a bot that took part: bot:="Rose Bot"',
    "campaign": "campaign, engagement or goal name",
    "closed": "who closed it and how: agent, consumer, system, timeout",
    "customer": "name, id, e-mail or phone of the customer",
    "device": "device, browser or operating system",
    "group": "name or id of the latest agent group",
    "id": "conversation id",
    "intent": "label of a recognised intent",
    "lang": "language, such as de-DE",
    "page": "title or address of a page the customer was on",
    "place": "country or city",
    "skill": "name or id of the skill the conversation ended in (see anyskill)",
    "sender": 'whole name of who wrote a message: sender:="Ana Silva"',
    "source": "channel, such as WHATSAPP",
    "status": "open or closed",
    "has": ", ".join(HAS_VALUES),
    "ended": "when it ended: ended:2026-03, ended:>2026-03-31, ended:2026-01..2026-03",
    "sent": "when a message was sent: sent:2026-Q3, sent:>2026-10-01",
    "started": "when it started: started:2026-Q3, started:<2026-02",
    "fcr": "first contact resolution, as customers answered: yes or no",
    "nps": "Net Promoter Score, 0 to 10: nps:<=6",
    "csat": "customer satisfaction, 1 to 5: csat:<=2",
    "duration": "length: duration:>30m",
    "mcs": "Meaningful Conversation Score, 0 to 100: mcs:<40",
    "messages": "number of messages: messages:>50",
    "transfers": "number of transfers: transfers:>1",
    "transferred": "yes or no",
    "after": "started on that day or later: after:2026-01-31, after:90d",
    "before": "started on that day or earlier: before:2026-03",
    "on": "started within that day, month or year: on:2026-03",
}
