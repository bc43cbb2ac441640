"""`archiver export`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.errors import ArchiveError, ConfigError
from archiver.export import lines
from archiver.private import make_private_file
from archiver.progress import Progress


@contextmanager
def _output(name: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that gets its name when it is complete. Pipes and devices are written to directly."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = _checked(name)
    if path.exists() and not path.is_file():
        with _written(path), path.open("wb") as file:
            yield file
        return
    unfinished = path.with_name(path.name + ".part")
    try:
        with _written(path):
            make_private_file(unfinished, is_new=True)
            with unfinished.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _checked(name: str) -> Path:
    """The file meant, behind any link. Raises ConfigError if no file can be made there."""
    path = Path(name).resolve()
    if not name or path.is_dir():
        raise ConfigError(f"--output {name or 'is empty'} is not a file", hint="Name a file, or - for standard output.")
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent}", hint="Make it first, or choose another --output.")
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
@click.option("--raw", is_flag=True, help="Add each record as LivePerson returned it, as the member raw.")
@click.pass_context
def command(context: click.Context, query: tuple[str, ...], format_: str, output: str, raw: bool) -> None:
    """Write conversations as NDJSON.

    One archiver.transcript/1 per line: everything in the archive, or what matches a query. The file gets its name only
    when it is complete.

    \b
    Examples:
      archiver export --output everything.ndjson
      archiver export 'refund after:2026-01' --output - | jq .conversation_id
      archiver export 'customer:C1042' --raw --output case.ndjson
    """
    with shared.opened(context) as archive, _output(output) as file:
        parsed = archive.parse(" ".join(query))
        shared.show_notices(parsed.notices)
        total = archive.file.vault.totals()[0] if parsed.is_everything else None
        content = lines(archive.records(parsed), with_raw=raw)
        count = _write(content, file, shared.progress(context), total)
        shared.show_head(context, archive)
    click.echo(f"{count:,} conversations written", err=True)
