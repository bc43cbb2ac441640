"""A transcript as people read it on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from archiver.cli.terminal import emphasised, exact, one_line
from archiver.model import EPOCH, Event, Former, Message, Role, Transcript
from archiver.outputs import sde_labels
from archiver.query import Query, marked
from archiver.value import Value
from archiver.visible import safe

_NEAR = 5  # messages on each side of the one that is asked for
ONLY = ("customer", "agent", "bot", "system", "notes")


class View(Value):
    """What of a transcript is shown: messages near a number, messages of a role or private notes; what is marked."""

    around: int | None = None
    only: str | None = None
    mark: Query | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything is shown."""
        return self.around is None and self.only is None

    def shows(self, message: Message, number: int) -> bool:
        """Whether a message is shown."""
        if self.around is not None and abs(number - self.around) > _NEAR:
            return False
        if self.only == "notes":
            return message.is_private
        return self.only is None or (message.role == Role(self.only) and not message.is_private)


def transcript_lines(transcript: Transcript, view: View = View()) -> Iterator[str]:  # noqa: B008  (frozen)
    """The lines of a transcript: metadata, then messages and the events between them."""
    yield from _heading(transcript)
    day = None
    for at, line in _in_order(transcript, view):
        if at and at.date() != day:
            day = at.date()
            yield f"\n── {day:%A, %d %B %Y} (UTC) ──"
        yield line
    if view.is_whole:
        yield from _tail(transcript)


def _heading(transcript: Transcript) -> Iterator[str]:
    metadata = transcript.metadata
    yield f"Conversation  {exact(transcript.id)}"
    span = f"{_minute(metadata.started_at)}   ended {_minute(metadata.ended_at)}"
    yield f"Started       {span}   {metadata.status or ''}".rstrip()
    yield f"Skill         {one_line(metadata.skill or '-')}   channel {one_line(metadata.source or '-')}"
    for title, people in (("Customer", metadata.consumers), ("Agents", metadata.agents)):
        yield f"{title:<13} {', '.join(f'{one_line(person.name)} ({person.role})' for person in people) or '-'}"
    named = (("CSAT", metadata.csat), ("MCS", metadata.mcs), ("NPS", metadata.nps))
    scores = [f"{name} {value:g}" for name, value in named if value is not None]
    if scores:
        yield f"Scores        {', '.join(scores)}"
    if transcript.states:
        yield f"Since then    {', '.join(transcript.states)} at LivePerson (archiver history {exact(transcript.id)})"
    if metadata.is_partial:
        yield "Partial       LivePerson gave a part of this conversation only"


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _in_order(transcript: Transcript, view: View) -> list[tuple[datetime | None, str]]:
    numbers = transcript.numbering()
    lines = [
        (message.sent_at, _message(message, numbers[message.id], view))
        for message in transcript.messages
        if view.shows(message, numbers[message.id])
    ]
    lines += [
        (former.message.sent_at, _former(former, numbers.get(former.message.id), view))
        for former in transcript.former
        if view.shows(former.message, numbers.get(former.message.id, 0))
    ]
    if view.is_whole:
        lines += [(event.at, _event(event)) for event in transcript.events]
    return sorted(lines, key=lambda line: (line[0] is None, line[0] or EPOCH))


def _former(former: Former, number: int | None, view: View) -> str:
    """An earlier text of a message, which follows the present one."""
    what = f"#{number} read until" if number else "a message that LivePerson shows no more, until"
    return f"          ~ {what} {former.until:%Y-%m-%d %H:%M}: {_text(former.message.text, view)}"


def _message(message: Message, number: int, view: View) -> str:
    time = f"{message.sent_at:%H:%M:%S}" if message.sent_at else "--:--:--"
    private = ", private note" if message.is_private else ""
    text = _text(message.text, view) if message.text.strip() else f"[{one_line(message.type)}]"
    if message.file:
        text = f"[file {one_line(message.file.rsplit('/', 1)[-1])}, content not archived] {text}"
    return f"{time}  #{number} {one_line(message.sender)} ({message.role}{private}): {text}"


def _text(text: str, view: View) -> str:
    """A text with what the query marks in it, its lines below one another."""
    shown = safe(text)
    if view.mark:
        pieces = marked(text, view.mark.expression).pieces()
        shown = "".join(emphasised(safe(piece)) if is_hit else safe(piece) for piece, is_hit in pieces)
    return shown.replace("\n", "\n" + " " * 12)


def _event(event: Event) -> str:
    time = f"{event.at:%H:%M:%S}" if event.at else "--:--:--"
    return f"{time}  · {one_line(event.text)}"


def _tail(transcript: Transcript) -> Iterator[str]:
    if transcript.answers:
        yield "\nSurvey"
        for answer in transcript.answers:
            yield f"  {one_line(answer.question or '?')} → {one_line(answer.answer or '-')}"
    for summary in transcript.summaries:
        yield f"\nSummary\n  {one_line(summary)}"
    if transcript.sdes:
        yield "\nEngagement attributes"
        for sde in transcript.sdes:
            yield f"  {one_line(sde.type)}{'' if sde.is_authenticated else ' (not authenticated)'}"
            yield from (f"    {label}: {one_line(value)}" for label, value in sde_labels(sde))
