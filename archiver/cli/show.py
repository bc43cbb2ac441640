"""`archiver show`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from functools import partial

import click

from archiver.app import Archive
from archiver.archive import Record
from archiver.cli import context as shared
from archiver.cli.history import change_line
from archiver.cli.terminal import exact, one_line, safe
from archiver.errors import ConfigError, NotFound, RecordError, counted
from archiver.index import NumberedVersion
from archiver.model import EPOCH, Event, Former, Message, Transcript
from archiver.transcript import as_json as transcript_json
from archiver.transcript import changes, project, unreadable_as_json


def transcript_lines(transcript: Transcript) -> Iterator[str]:
    """A transcript as people read it: metadata, then messages and the events between them."""
    yield from _heading(transcript)
    day = None
    for at, line in _in_order(transcript):
        if at and at.date() != day:
            day = at.date()
            yield f"\n── {day:%A, %d %B %Y} (UTC) ──"
        yield line
    yield from _tail(transcript)


def _heading(transcript: Transcript) -> Iterator[str]:
    metadata = transcript.metadata
    yield f"Conversation  {exact(transcript.id)}"
    span = f"{_minute(metadata.started_at)}   ended {_minute(metadata.ended_at)}"
    yield f"Started       {span}   {metadata.status or ''}".rstrip()
    yield f"Skill         {one_line(metadata.skill or '-')}   channel {one_line(metadata.source or '-')}"
    for title, people in (("Customer", metadata.consumers), ("Agents", metadata.agents)):
        yield f"{title:<13} {', '.join(f'{one_line(person.name)} ({person.role})' for person in people) or '-'}"
    scores = [
        f"{name} {value:g}" for name, value in (("CSAT", metadata.csat), ("MCS", metadata.mcs)) if value is not None
    ]
    if scores:
        yield f"Scores        {', '.join(scores)}"
    if transcript.states:
        yield f"Since then    {', '.join(transcript.states)} at LivePerson (archiver history {exact(transcript.id)})"
    if metadata.is_partial:
        yield "Partial       LivePerson gave a part of this conversation only"


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"


def _in_order(transcript: Transcript) -> list[tuple[datetime | None, str]]:
    lines = [(message.sent_at, _message(message, number)) for number, message in enumerate(transcript.messages, 1)]
    lines += [(former.message.sent_at, _former(former, transcript)) for former in transcript.former]
    lines += [(event.at, _event(event)) for event in transcript.events]
    return sorted(lines, key=lambda line: (line[0] is None, line[0] or EPOCH))


def _former(former: Former, transcript: Transcript) -> str:
    """An earlier text of a message, which follows the present one."""
    numbers = {message.id: number for number, message in enumerate(transcript.messages, 1)}
    number = numbers.get(former.message.id)
    what = f"#{number} read until" if number else "a message that LivePerson shows no more, until"
    text = safe(former.message.text).replace("\n", "\n" + " " * 12)
    return f"          ~ {what} {former.until:%Y-%m-%d %H:%M}: {text}"


def _message(message: Message, number: int) -> str:
    time = f"{message.sent_at:%H:%M:%S}" if message.sent_at else "--:--:--"
    private = ", private note" if message.is_private else ""
    text = safe(message.text) if message.text.strip() else f"[{one_line(message.type)}]"
    if message.file:
        text = f"[file {one_line(message.file.rsplit('/', 1)[-1])}, content not archived] {text}"
    who = f"{one_line(message.sender)} ({message.role}{private}): "
    return f"{time}  #{number} {who}" + text.replace("\n", "\n" + " " * 12)


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
            values = ", ".join(f"{path.rsplit('.', 1)[-1]}={one_line(str(value))}" for path, value in sde.values)
            yield f"  {one_line(sde.type)}: {values}"


@click.command("show")
@click.argument("conversation")
@click.option("--raw", is_flag=True, help="Print the record exactly as LivePerson returned it.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.transcript/1.")
@click.option("--version", "number", type=click.IntRange(min=1), help="A version by its number in archiver history.")
@click.option("--diff", nargs=2, type=click.IntRange(min=1), help="Print what changed between two versions.")
@click.pass_context
def command(
    context: click.Context, conversation: str, raw: bool, as_json: bool, number: int | None,
    diff: tuple[int, int] | None,
) -> None:  # fmt: skip
    """Print one conversation as a transcript.

    Characters that control a terminal, turn text around or can't be seen are spelled out, such as \\u200b, except where
    an emoji or a script needs them. --json and --raw print them as they are.

    \b
    Examples:
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --json
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --raw > record.json
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --version 1
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --diff 1 2
    """
    with shared.opened(context) as archive:
        if diff:
            _print_changes(*(_transcript_of(archive, conversation, each) for each in diff))
            return
        record = archive.file.vault.current(conversation) if number is None else _record(archive, conversation, number)
        read = partial(archive.transcript, conversation) if number is None else partial(project, record.raw)
        try:
            transcript, fault = (None if raw and not as_json else read()), None
        except RecordError as error:
            transcript, fault = None, error
    if raw and not as_json:
        if sys.stdout.isatty():
            raise ConfigError(
                "--raw is not printed on a terminal", hint="Write it to a file: archiver show … --raw > record.json"
            )
        sys.stdout.buffer.write(record.raw)
    elif transcript:
        _print(record, transcript, as_json=as_json, with_raw=raw)
    elif fault:
        _print_unreadable(record, fault, as_json=as_json)
        sys.exit(fault.exit_code)


def _version(archive: Archive, conversation: str, number: int) -> NumberedVersion:
    """A version by its number. Raises NotFound if there is none, or its text was removed."""
    versions = archive.versions(conversation)
    if number > len(versions):
        raise NotFound(
            f"conversation {conversation} has {counted(len(versions), 'version')}, and no version {number}",
            hint=f"List them: archiver history {conversation}",
        )
    return versions[number - 1]


def _record(archive: Archive, conversation: str, number: int) -> Record:
    entry = _version(archive, conversation, number).entry
    raw = archive.file.vault.entry_raw(entry.seq)
    return Record(entry.seq, conversation, entry.fetched_at, number == 1, raw)


def _transcript_of(archive: Archive, conversation: str, number: int) -> Transcript:
    return project(_record(archive, conversation, number).raw)


def _print_changes(before: Transcript, after: Transcript) -> None:
    found = list(changes(before, after))
    for change in found:
        click.echo(change_line(change))
    if not found:
        click.echo("Nothing that a transcript shows differs.", err=True)


def _print(record: Record, transcript: Transcript, *, as_json: bool, with_raw: bool) -> None:
    if as_json:
        whole = record.raw if with_raw else None
        shared.print_json(transcript_json(transcript, seq=record.seq, fetched_at=record.fetched_at, raw=whole))
        return
    for line in transcript_lines(transcript):
        click.echo(line)


def _print_unreadable(record: Record, error: RecordError, *, as_json: bool) -> None:
    """The raw record with the reason why it is no transcript."""
    if as_json:
        content = unreadable_as_json(
            record.conversation_id, error.message, seq=record.seq, fetched_at=record.fetched_at, raw=record.raw
        )
        shared.print_json(content)
        return
    click.echo(safe(record.raw.decode("utf-8", "backslashreplace")))
    click.echo(f"Not readable as a conversation: {safe(error.message)}. {error.hint}", err=True)
