"""`archiver export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.errors import ArchiveError, ConfigError, counted
from archiver.export import lines, message_lines
from archiver.index import Hit, Refusal, advice_on, read_version
from archiver.private import make_private_file
from archiver.progress import Progress
from archiver.query import Query, Scope
from archiver.visible import safe


@contextmanager
def _output(name: str, *, is_replaced: bool) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name when it is complete. Pipes and devices are written to directly.

    Raises ConfigError if the file exists, unless it may be replaced.
    """
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = _checked(name)
    with _written(path):
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                yield file
            return
        _refuse(path, is_replaced=is_replaced)
        with _unfinished(path, is_replaced=is_replaced) as unfinished:
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _refuse(path, is_replaced=is_replaced)  # it may have been made meanwhile
            unfinished.replace(path)


@contextmanager
def _unfinished(path: Path, *, is_replaced: bool) -> Iterator[Path]:
    """A new file beside the output, removed at the end. One that is there is of an export that runs or was killed."""
    unfinished = path.with_name(path.name + ".part")
    if unfinished.exists() and not is_replaced:
        hint = "If no other export is running, it is left of one that was killed: remove it, or use --force."
        raise ConfigError(f"{unfinished} exists", hint=hint)
    make_private_file(unfinished, is_new=True)
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _refuse(path: Path, *, is_replaced: bool) -> None:
    if path.exists() and not is_replaced:
        raise ConfigError(f"{path} exists", hint="Choose another --output, or replace it with --force.")


def _checked(name: str) -> Path:
    """The file meant, behind any link. Raises ConfigError if no file can be made there."""
    try:
        path = Path(name).resolve()
        if not name or path.is_dir():
            raise ConfigError(
                f"--output {name or 'is empty'} is not a file", hint="Name a file, or - for standard output."
            )
        if not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}", hint="Make it first, or choose another --output.")
    except (OSError, RuntimeError) as error:  # a folder that may not be looked into; a circle of links
        raise ConfigError(f"--output {name} is not usable: {error}", hint="Choose another --output.") from error
    return path


@contextmanager
def _written(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error}", hint="Check the disk and its permissions.") from error


def _write(content: Iterable[bytes], output: BinaryIO, progress: Progress, total: int | None, scope: Scope) -> int:
    count = 0
    progress.start("export", total, f"{scope}s")
    try:
        for line in content:
            output.write(line)
            count += 1
            progress.advance()
    finally:
        progress.finish()
    return count


@click.command("export", cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option("--format", "format_", type=click.Choice(["ndjson"]), default="ndjson", show_default=True)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default="conversation",
    help="What a line is; of messages, the whole query must match within one.",
)
@click.option("--output", required=True, metavar="FILE|-", help="File to write, or - for standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--raw",
    is_flag=True,
    help="Add each record as LivePerson returned it, as raw; as raw_base64 if it is not valid JSON.",
)
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], format_: str, scope: str, output: str, force: bool, raw: bool
) -> None:
    """Write conversations or messages as NDJSON.

    One archiver.transcript/1 per line, in UTF-8: everything in the archive, or what matches a query. With --scope
    message one archiver.message/1 for each message that matches, oldest first, with its conversation's id and its
    number in it. The file gets its name only when it is complete; a file that exists is replaced only with --force. A
    record that can't be read as a conversation is written with its bytes as archiver.unreadable/1 and named on standard
    error, and the exit code is 3.

    \b
    Examples:
      archiver export --output everything.ndjson
      archiver export 'refund after:2026-01' --output - | jq .conversation_id
      archiver export 'refund from:agent' --scope message --output promises.ndjson
      archiver export 'customer:C1042' --raw --output case.ndjson
    """
    if raw and scope == Scope.MESSAGE:
        raise click.UsageError("--raw adds whole records: export conversations, without --scope message.")
    with shared.opened(context) as archive:
        parsed = archive.parse(" ".join(query))
        found = _Messages(archive, parsed) if scope == Scope.MESSAGE else _Conversations(archive, parsed, with_raw=raw)
        shared.show_notices(found.notices)
        archive.audit(
            Action.EXPORT, query=parsed.text, scope=scope, format=format_, output=output, hits_total=found.total
        )
        with _output(output, is_replaced=force) as file:
            count = _write(found.lines(), file, shared.progress(context), found.total, Scope(scope))
        refused = archive.refused() if found.is_searched else ()
        shared.show_head(context, archive)
    click.echo(f"{counted(count, scope)} written", err=True)
    _show_left_out(found.unreadable, refused)


class _Conversations:
    """The lines of conversations. `unreadable` tells, once they are written, which were written as bytes."""

    def __init__(self, archive: Archive, query: Query, *, with_raw: bool) -> None:
        self._archive, self._with_raw = archive, with_raw
        self.is_searched = not query.is_everything
        self._records = archive.records(query)  # brings the index up to date, which the advice is about
        told = advice_on(archive.store, query, Scope.CONVERSATION) if self.is_searched else ()
        self.notices = (*query.notices, *told)
        self.total = None if self.is_searched else archive.file.vault.conversations()
        self.unreadable: list[str] = []

    def lines(self) -> Iterator[bytes]:
        vault = self._archive.file.vault
        return lines(
            self._records,
            with_raw=self._with_raw,
            note_unreadable=lambda record, error: self.unreadable.append(
                f"Written as archiver.unreadable/1: conversation {safe(record.conversation_id)}"
            ),
            read=lambda record: read_version(vault, record).transcript,
        )


class _Messages:
    """The lines of messages. `unreadable` tells, once they are written, which could not be."""

    is_searched = True

    def __init__(self, archive: Archive, query: Query) -> None:
        self._search = archive.search(query, scope="message", sort="oldest")
        self.total, self.notices = self._search.total, self._search.notices
        self.unreadable: list[str] = []

    def lines(self) -> Iterator[bytes]:
        return message_lines(self._search, note_unreadable=self._note)

    def _note(self, hit: Hit) -> None:
        of = f"message {hit.message_id} of conversation {hit.transcript.id}"
        self.unreadable.append(f"Not written: {safe(of)}: {safe(hit.fault or 'it is not there any more')}")


def _show_left_out(unreadable: Sequence[str], refused: Sequence[Refusal]) -> None:
    """Names what is not in the file as it should be, and what no query finds. Exits with 3 if there is any."""
    for line in unreadable:
        click.echo(line, err=True)
    shared.show_refused(refused)
    if unreadable or refused:
        sys.exit(shared.FINISHED_WITH_GAPS)
