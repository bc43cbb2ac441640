"""`archiver reindex`."""

from __future__ import annotations

import click

from archiver.cli import wiring
from archiver.index import rebuild, retry


@click.command("reindex")
@click.option("--refused", is_flag=True, help="Only give the index once more what it has refused.")
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
    with wiring.opened(wiring.settings(context)) as (archive, store):
        work = retry if refused else rebuild
        applied = work(archive, store, wiring.show_progress(context))
    click.echo(f"{applied.conversations:,} conversations indexed", err=True)
    wiring.show_refused(applied.refused)
