"""The hits of a search, for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

import click

from archiver.cli.terminal import exact, highlighted, one_line
from archiver.errors import counted
from archiver.index import Hit, Sort
from archiver.model import Message
from archiver.outputs import numbers_around
from archiver.query import Match
from archiver.transcript import kind_of

_SHOWN_MATCHES = 3
_LONGEST_NOW = 80  # characters


def print_hits(hits: Iterable[Hit], around: int = 0, sort: Sort = Sort.NEWEST) -> int:
    """Prints each hit: its conversation with what it is sorted by, and the first texts that matched, with so many
    messages before and after. Returns how many there were.
    """
    count = 0
    for count, hit in enumerate(hits, 1):  # noqa: B007  (the last one is returned)
        click.echo(_headline(hit) + _sorted_by(hit, sort))
        if hit.fault:
            click.echo(f"    not readable: {one_line(hit.fault)}")
        by_line: dict[str, Match] = {}
        numbers = hit.transcript.numbering()
        for match in hit.matches:
            by_line.setdefault(f"{_where(match, numbers)}: {highlighted(match.snippet)}{_now(hit, match)}", match)
        shown = dict(list(by_line.items())[:_SHOWN_MATCHES])
        for line in _in_context(hit, shown, around) if around else shown:
            click.echo(f"    {line}")
        if len(by_line) > len(shown):
            click.echo(f"    +{len(by_line) - len(shown)} more")
    return count


def _headline(hit: Hit) -> str:
    metadata = hit.transcript.metadata
    day = f"{metadata.started_at:%Y-%m-%d %H:%M}" if metadata.started_at else "unknown time"
    customers = ", ".join(one_line(person.name) for person in metadata.consumers) or "-"
    who = ", ".join(one_line(agent.name) for agent in metadata.agents) or "-"
    return f"{day}  {exact(hit.transcript.id)}  {one_line(metadata.skill or '-')}  {customers} with {who}"


def _sorted_by(hit: Hit, sort: Sort) -> str:
    metadata = hit.transcript.metadata
    value: str | None = None
    match sort:
        case Sort.MCS | Sort.LOWEST_MCS:
            value = f"MCS {'-' if metadata.mcs is None else metadata.mcs}"
        case Sort.CSAT | Sort.LOWEST_CSAT:
            value = f"CSAT {'-' if metadata.csat is None else f'{metadata.csat:g}'}"
        case Sort.MESSAGES:
            value = counted(len(hit.transcript.messages), "message")
        case Sort.DURATION if metadata.duration_ms is not None:
            value = f"{timedelta(seconds=metadata.duration_ms // 1000)} long"
    return f"  {value}" if value else ""


def _in_context(hit: Hit, shown: Mapping[str, Match], around: int) -> Iterator[str]:
    """The lines of matches, marked with >, between those of the messages around them; … where messages are left out."""
    messages, numbers = hit.transcript.messages, hit.transcript.numbering()
    lines: dict[int, list[str]] = {}
    for line, match in shown.items():
        number = numbers.get(match.message.id, 0) if match.message else 0
        lines.setdefault(number, []).append(line)
    yield from (f"> {line}" for line in lines.pop(0, ()))
    last = 0
    for number in sorted({other for at in lines for other in numbers_around(at, around, len(messages))}):
        if last and number > last + 1:
            yield "  …"
        last = number
        yield from [f"> {line}" for line in lines.get(number, ())] or [
            f"  {_context_line(messages[number - 1], number)}"
        ]


def _context_line(message: Message, number: int) -> str:
    return f"{_place(message, number)} ({message.role}): {one_line(message.text) or f'[{one_line(message.type)}]'}"


def _place(message: Message, number: int | None) -> str:
    time = f"{message.sent_at:%m-%d %H:%M} " if message.sent_at else ""
    return f"{f'#{number} ' if number else ''}{time}{one_line(message.sender)}"


def _where(match: Match, numbers: Mapping[str, int]) -> str:
    """Where a text stands: the number, time and sender of a message, and what it is; or the path or question."""
    message = match.message
    if message is None:
        return f"{match.where} {one_line(match.path)}" if match.path else match.where
    notes = [] if kind_of(message) == "message" else [kind_of(message)]
    notes += [match.where] if match.where in ("card", "file", "link") and match.where not in notes else []
    notes += [f"earlier text, until {match.until:%d %b %Y}"] if match.until else []
    return f"{_place(message, numbers.get(message.id))} ({', '.join([message.role.value, *notes])})"


def _now(hit: Hit, match: Match) -> str:
    """What a message of an earlier text reads now."""
    if match.until is None or match.message is None:
        return ""
    text = next((item.text for item in hit.transcript.messages if item.id == match.message.id), None)
    return "  (no longer shown)" if text is None else f"  (now: {_shortened(one_line(text))})"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_NOW else f"{text[: _LONGEST_NOW - 1]}…"
