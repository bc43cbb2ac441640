"""`archiver show`."""

from __future__ import annotations

import sys
from functools import partial

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Record
from archiver.cli import context as shared
from archiver.cli.history import change_line
from archiver.cli.reading import ONLY, View, transcript_lines
from archiver.errors import ConfigError, NotFound, RecordError, counted
from archiver.index import NumberedVersion
from archiver.model import Transcript
from archiver.transcript import as_json as transcript_json
from archiver.transcript import changes, project, unreadable_as_json
from archiver.visible import safe


@click.command("show")
@click.argument("conversation")
@click.option("--raw", is_flag=True, help="Print the record exactly as LivePerson returned it.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.transcript/1.")
@click.option("--version", "number", type=click.IntRange(min=1), help="A version by its number in archiver history.")
@click.option("--around", type=click.IntRange(min=1), help="Print only messages near the one with this number.")
@click.option("--only", type=click.Choice(ONLY), help="Print only messages of a role, or private notes.")
@click.option("--mark", metavar="QUERY", help="Mark what a query finds in the messages.")
@click.option("--diff", nargs=2, type=click.IntRange(min=1), help="Print what changed between two versions.")
@click.pass_context
def command(
    context: click.Context, conversation: str, raw: bool, as_json: bool, number: int | None, around: int | None,
    only: str | None, mark: str | None, diff: tuple[int, int] | None,
) -> None:  # fmt: skip
    """Print one conversation as a transcript.

    The begin of an id is enough if no other conversation has it. A message has its number in the conversation; below it
    stand earlier texts that LivePerson shows no more.

    Characters that control a terminal, turn text around or can't be seen are spelled out, such as \\u200b, except where
    an emoji or a script needs them. --json and --raw print them as they are.

    \b
    Examples:
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --json
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --raw > record.json
      archiver show 0f7c2a3e --around 17 --mark refund
      archiver show 0f7c2a3e --only customer
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --version 1
      archiver show 0f7c2a3e-6c1d-4b5e-9f57-0a1b2c3d4e5f --diff 1 2
    """
    with shared.opened(context) as archive:
        conversation = archive.file.vault.completed(conversation)
        archive.audit(Action.VIEW, conversation_id=conversation, what="raw" if raw else None, version=number)
        view = View(around, only, archive.parse(mark) if mark else None)
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
        _print(record, transcript, view, as_json=as_json, with_raw=raw)
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


def _print(record: Record, transcript: Transcript, view: View, *, as_json: bool, with_raw: bool) -> None:
    if as_json:
        whole = record.raw if with_raw else None
        shared.print_json(transcript_json(transcript, seq=record.seq, fetched_at=record.fetched_at, raw=whole))
        return
    shared.print_lines(transcript_lines(transcript, view))


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
