"""`archiver export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from archiver.archive import Record
from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import safe
from archiver.errors import ArchiveError, ConfigError, counted
from archiver.export import lines
from archiver.index import Refusal, read_version
from archiver.private import make_private_file
from archiver.progress import Progress


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


def _write(content: Iterable[bytes], output: BinaryIO, progress: Progress, total: int | None) -> int:
    count = 0
    progress.start("export", total, "conversations")
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
@click.option("--output", required=True, metavar="FILE|-", help="File to write, or - for standard output.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option(
    "--raw",
    is_flag=True,
    help="Add each record as LivePerson returned it, as raw; as raw_base64 if it is not valid JSON.",
)
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], format_: str, output: str, force: bool, raw: bool
) -> None:  # fmt: skip
    """Write conversations as NDJSON.

    One archiver.transcript/1 per line, in UTF-8: everything in the archive, or what matches a query. The file gets its
    name only when it is complete; a file that exists is replaced only with --force. A record that can't be read as a
    conversation is written with its bytes as archiver.unreadable/1 and named on standard error, and the exit code is 3.

    \b
    Examples:
      archiver export --output everything.ndjson
      archiver export 'refund after:2026-01' --output - | jq .conversation_id
      archiver export 'customer:C1042' --raw --output case.ndjson
    """
    with shared.opened(context) as archive:
        parsed = archive.parse(" ".join(query))
        shared.show_notices(parsed.notices)
        unreadable: list[Record] = []
        total = archive.file.vault.totals()[0] if parsed.is_everything else None
        with _output(output, is_replaced=force) as file:
            records = archive.records(parsed)
            vault = archive.file.vault
            content = lines(
                records, with_raw=raw, note_unreadable=lambda record, error: unreadable.append(record),
                read=lambda record: read_version(vault, record).transcript,
            )  # fmt: skip
            count = _write(content, file, shared.progress(context), total)
        refused = () if parsed.is_everything else archive.refused()
        shared.show_head(context, archive)
    click.echo(f"{counted(count, 'conversation')} written", err=True)
    _show_left_out(unreadable, refused)


def _show_left_out(unreadable: Sequence[Record], refused: Sequence[Refusal]) -> None:
    """Names what is in the file without a transcript, and what no query finds. Exits with 3 if there is any."""
    for record in unreadable:
        click.echo(f"Written as archiver.unreadable/1: conversation {safe(record.conversation_id)}", err=True)
    shared.show_refused(refused)
    if unreadable or refused:
        sys.exit(shared.FINISHED_WITH_GAPS)
