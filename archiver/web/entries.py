"""A transcript as the entries of a page: messages, events, earlier texts, days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, tzinfo

from archiver.model import EPOCH, Event, Former, Message, Transcript, Zone
from archiver.query import Expression, Snippet, marked
from archiver.transcript import kind_of
from archiver.value import Value
from archiver.web.texts import Piece, pieces, plain

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
    transcript: Transcript, numbers: range, expression: Expression | None, zone: tzinfo, *, is_whole: bool
) -> Iterator[Entry]:  # fmt: skip
    """The messages with these numbers, with what the query marks in them, between the days. With `is_whole`, also
    events and messages that LivePerson shows no more.
    """
    day, before = None, None
    for at, item, number in _in_order(transcript, numbers, is_whole=is_whole):
        if at and at.astimezone(zone).date() != day:
            day, before = at.astimezone(zone).date(), None
            yield Entry("day", label=f"{day:%A, %d %B %Y}", iso=day.isoformat())
        if isinstance(item, Event):
            yield Entry("event", tuple(plain(item.text)), time=_clock(at, zone), iso=_iso(at), label=item.kind)
            before = None
        elif isinstance(item, Former):
            yield _former(item, number, expression, zone)
        else:
            yield _message(item, number, expression, zone, before)
            before = item


_Item = tuple[datetime | None, Message | Event | Former, int | None]


def _in_order(transcript: Transcript, numbers: range, *, is_whole: bool) -> list[_Item]:
    by_id = transcript.numbering()
    items: list[_Item] = [
        (message.sent_at, message, number)
        for number in numbers
        for message in (transcript.messages[number - 1],)
    ]  # fmt: skip
    shown = {message.id for _, message, _ in items if isinstance(message, Message)}
    formers: Iterable[Former] = (
        former
        for former in transcript.former
        if former.message.id in shown or (is_whole and former.message.id not in by_id)
    )
    items += [(former.message.sent_at, former, by_id.get(former.message.id)) for former in formers]
    if is_whole:
        items += [(event.at, event, None) for event in transcript.events]
    return sorted(items, key=lambda item: (item[0] is None, item[0] or EPOCH))


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
        time=_clock(message.sent_at, zone),
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
    until = f"until {former.until.astimezone(zone):%d %b %Y %H:%M}"
    label = f"earlier text, {until}" if number else f"a message that LivePerson shows no more, {until}"
    message = former.message
    return Entry(
        "earlier", tuple(pieces(snippet)), sender=message.sender, role=message.role.value,
        time=_clock(message.sent_at, zone), iso=_iso(message.sent_at), label=label, marks=len(snippet.marks),
    )  # fmt: skip


def _details(message: Message, zone: tzinfo) -> Iterator[tuple[str, str]]:
    """Delivery and scores, and what else LivePerson says about a message."""
    yield "type", message.type
    if message.mcs is not None:
        yield "MCS", str(message.mcs)
    for item in message.deliveries:
        yield item.status.lower(), f"{item.by or ''} {_clock(item.at, zone)}".strip()
    yield from ((path, str(value)) for path, value in (*message.context, *message.extra))


def _marked(text: str, expression: Expression | None) -> Snippet:
    return marked(text, expression) if expression is not None else Snippet(text)


def _clock(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M:%S}" if at else ""


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""
