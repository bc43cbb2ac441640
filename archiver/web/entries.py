"""A transcript as the entries of a page: messages, events, earlier texts, days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

from archiver.model import EPOCH, Event, Former, Message, Transcript, Zone
from archiver.query import Expression, Snippet, marked
from archiver.transcript import kind_of
from archiver.value import Value
from archiver.web.texts import Piece, pieces, plain
from archiver.web.times import clock, in_zone, minute

_ONE_BREATH = timedelta(minutes=2)  # messages of one sender within it stand under one name
_CARD_ZONES = (Zone.CARD, Zone.LINK)


class Entry(Value):
    """Something in a transcript: `kind` is day, message, note, event or earlier. A message has its `number`; `is_same`:
    it follows another one of its sender. `card` are the texts of a card or form, `file` a file's name, `details` what
    is shown on demand, `marks` how often the query matches in it.
    """

    kind: str
    text: tuple[Piece, ...] = ()
    number: int | None = None
    sender: str = ""
    role: str = ""
    time: str = ""
    iso: str = ""
    label: str = ""
    card: tuple[tuple[Piece, ...], ...] = ()
    file: str | None = None
    details: tuple[tuple[str, str], ...] = ()
    is_same: bool = False
    marks: int = 0


def entries(
    transcript: Transcript, numbers: range, expression: Expression | None, zone: tzinfo
) -> Iterator[Entry]:  # fmt: skip
    """The messages with these numbers, with what the query marks in them, between the days; and what happened, and
    messages that LivePerson shows no more, from the first of them to before the one that follows.
    """
    day, before = None, None
    for at, item, number in _in_order(transcript, numbers):
        if at and in_zone(at, zone).date() != day:
            day, before = in_zone(at, zone).date(), None
            yield Entry("day", label=f"{day:%A, %d %B %Y}", iso=day.isoformat())
        if isinstance(item, Event):
            yield Entry("event", tuple(plain(item.text)), time=clock(at, zone), iso=_iso(at), label=item.kind)
            before = None
        elif isinstance(item, Former):
            yield _former(item, number, expression, zone)
        else:
            yield _message(item, number, expression, zone, before)
            before = item


def matching(transcript: Transcript, expression: Expression) -> list[int]:
    """The numbers of all messages in whose present text the query marks something."""
    return [
        number
        for number, message in enumerate(transcript.messages, 1)
        if any(_marked(part.text, expression).marks for part in message.parts)
    ]


_Item = tuple[datetime | None, Message | Event | Former, int | None]


def _in_order(transcript: Transcript, numbers: range) -> list[_Item]:
    by_id = transcript.numbering()
    items: list[_Item] = [(transcript.messages[at - 1].sent_at, transcript.messages[at - 1], at) for at in numbers]
    formers = ((item.message.sent_at, item, by_id.get(item.message.id)) for item in transcript.former)
    events = ((event.at, event, None) for event in transcript.events)
    others: Iterable[_Item] = (*formers, *events)
    items += [item for item in others if _is_in(item, transcript, numbers)]
    return sorted(items, key=lambda item: (item[0] is None, item[0] or EPOCH))


def _is_in(item: _Item, transcript: Transcript, numbers: range) -> bool:
    """Whether something stands in a part of the messages: by its message, or else by its time."""
    at, _, number = item
    if number is not None:
        return number in numbers
    count = len(transcript.messages)
    if len(numbers) == count:
        return True
    start = transcript.messages[numbers.start - 1].sent_at if numbers.start > 1 else None
    end = transcript.messages[numbers.stop - 1].sent_at if numbers.stop <= count else None
    if at is None:
        return end is None
    return (start is None or at >= start) and (end is None or at < end)


def _message(
    message: Message, number: int | None, expression: Expression | None, zone: tzinfo, before: Message | None
) -> Entry:  # fmt: skip
    has_card = any(part.zone in _CARD_ZONES for part in message.parts)
    snippets = [_marked(part.text, expression) for part in message.parts] if has_card else []
    body = _marked("" if has_card else message.text, expression)
    kind = kind_of(message)
    return Entry(
        kind="note" if message.is_private else "message",
        text=tuple(pieces(body)),
        number=number,
        sender=message.sender,
        role=message.role.value,
        time=clock(message.sent_at, zone),
        iso=_iso(message.sent_at),
        label="" if kind == "message" or message.is_private else kind,
        card=tuple(tuple(pieces(snippet)) for snippet in snippets),
        file=message.file.rsplit("/", 1)[-1] if message.file else None,
        details=tuple(_details(message, zone)),
        is_same=_follows(message, before),
        marks=sum(len(snippet.marks) for snippet in (body, *snippets)),
    )


def _follows(message: Message, before: Message | None) -> bool:
    if before is None or message.sent_at is None or before.sent_at is None:
        return False
    is_same = (message.sender, message.role, message.is_private) == (before.sender, before.role, before.is_private)
    return is_same and message.sent_at - before.sent_at <= _ONE_BREATH


def _former(former: Former, number: int | None, expression: Expression | None, zone: tzinfo) -> Entry:
    snippet = _marked(former.message.text, expression)
    until = f"until {minute(former.until, zone)}"
    label = f"earlier text, {until}" if number else f"a message that LivePerson shows no more, {until}"
    message = former.message
    return Entry(
        "earlier", tuple(pieces(snippet)), sender=message.sender, role=message.role.value,
        time=clock(message.sent_at, zone), iso=_iso(message.sent_at), label=label, marks=len(snippet.marks),
    )  # fmt: skip


def _details(message: Message, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Delivery and scores, and what else LivePerson says about a message."""
    yield "type", message.type
    if message.mcs is not None:
        yield "MCS", str(message.mcs)
    for item in message.deliveries:
        yield item.status.lower(), f"{item.by or ''} {clock(item.at, zone)}".strip()
    yield from ((path, str(value)) for path, value in (*message.context, *message.extra))


def _marked(text: str, expression: Expression | None) -> Snippet:
    return marked(text, expression) if expression is not None else Snippet(text)


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
