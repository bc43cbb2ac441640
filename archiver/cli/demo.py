"""`archiver demo`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.hits import print_hits
from archiver.cli.reading import transcript_lines
from archiver.cli.serve import show_page
from archiver.config import load
from archiver.errors import counted
from archiver.service import Listen
from archiver.simulator import Scenario, simulate

_QUERY = '"table for four" OR lawyer'


@contextmanager
def _folder(keep: bool) -> Iterator[Path]:
    if keep:
        yield Path(tempfile.mkdtemp(prefix="archiver-demo-")) / "archive"
        return
    with tempfile.TemporaryDirectory(prefix="archiver-demo-") as folder:
        yield Path(folder) / "archive"


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave the archive in a folder and print its path.")
@click.option("--serve", "is_served", is_flag=True, help="Show the archive on a page, until Ctrl-C.")
@click.pass_context
def command(context: click.Context, keep: bool, is_served: bool) -> None:
    """Harvest, search and read invented conversations; no account needed.

    Starts a simulated LivePerson account on this machine, harvests it, searches it, and prints a transcript.

    \b
    Examples:
      archiver demo
      archiver demo --serve
      archiver demo --keep
    """
    days = f"{Scenario().days + 1:.0f}"
    with _folder(keep) as folder, simulate() as account:
        click.secho(f"A simulated LivePerson account answers on {account.url}", bold=True)
        click.echo(f"Harvesting the last {days} days in overlapping windows …")
        settings = load({"archive": str(folder), **account.settings}, {}, None, ())  # nothing of this user's own
        with Archive(settings, progress=shared.progress(context)) as archive:
            summary = archive.harvest(f"{days}d")
            click.echo(
                f"{counted(summary.conversations, 'conversation')} kept from {counted(summary.windows, 'window')}.\n"
            )
            if not is_served:
                _look_around(archive)
        if is_served:
            stays = f"The archive stays in {folder}" if keep else "The archive is removed at the end (--keep leaves it)"
            click.echo(f"Everything in it is invented. {stays}")
            show_page(context, settings, Listen("127.0.0.1", 0))
        else:
            _print_next(folder, keep)


def _look_around(archive: Archive) -> None:
    click.secho(f"$ archiver search '{_QUERY}' --limit 3", bold=True)
    results = archive.search(_QUERY, limit=3).results()
    print_hits(results.hits)
    click.echo(f"{len(results.hits)} of {counted(results.total, 'conversation')}\n")
    conversation_id = results.hits[0].transcript.id
    click.secho(f"$ archiver show {conversation_id}", bold=True)
    for line in transcript_lines(archive.transcript(conversation_id)):
        click.echo(line)


def _print_next(folder: Path, keep: bool) -> None:
    program = "archiver" if shutil.which("archiver") else sys.argv[0]
    click.echo()
    click.secho("What to type next", bold=True)
    if keep:
        click.echo(f"  {program} --archive {folder} search 'compensat* w/5 lawyer from:customer'")
        click.echo(f"  {program} --archive {folder} export --output conversations.ndjson")
    else:
        click.echo(f"  {program} demo --serve           the same on a page in your browser")
        click.echo(f"  {program} demo --keep            leaves this archive for you to search")
    click.echo(f"  {program} search --help          the query language in short")
    click.echo(f"  {program} harvest --help         your own account")
    if keep:
        click.echo(f"\nThe archive stays in {folder}")
