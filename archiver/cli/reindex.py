"""`archiver reindex`."""

from __future__ import annotations

import click

from archiver.cli import context as shared


@click.command("reindex")
@click.option("--refused", is_flag=True, help="Only give the index again what it has refused.")
@click.pass_context
def command(context: click.Context, refused: bool) -> None:
    """Build the search index again from the vault.

    Asks LivePerson nothing. The old index answers until the new one is whole.

    \b
    Examples:
      archiver reindex
      archiver --archive /data/brand reindex
      archiver reindex --refused
    """
    with shared.opened(context) as archive:
        applied = archive.reindex(only_refused=refused)
    click.echo(f"{applied.conversations:,} conversations indexed", err=True)
    shared.show_refused(applied.refused)
