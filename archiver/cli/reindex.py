"""`archiver reindex`."""

from __future__ import annotations

import sys

import click

from archiver.cli import context as shared
from archiver.errors import counted


@click.command("reindex")
@click.option("--refused", is_flag=True, help="Only retry what the index refused.")
@click.pass_context
def command(context: click.Context, refused: bool) -> None:
    """Rebuild the search index from the vault.

    Sends nothing to LivePerson. The old index answers until the new one is complete.

    \b
    Examples:
      archiver reindex
      archiver --archive /data/brand reindex
      archiver reindex --refused
    """
    with shared.opened(context) as archive:
        applied = archive.reindex(only_refused=refused)
    click.echo(f"{counted(applied.conversations, 'conversation')} indexed", err=True)
    shared.show_refused(applied.refused)
    if applied.refused:
        sys.exit(shared.FINISHED_WITH_GAPS)
