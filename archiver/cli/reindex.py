"""`archiver reindex`."""

from __future__ import annotations

import click

from archiver.catchup import rebuild
from archiver.cli import wiring


@click.command("reindex")
@click.pass_context
def command(context: click.Context) -> None:
    """Build the search index again from the vault.

    Asks LivePerson nothing. The old index answers until the new one is whole.

    \b
    Examples:
      archiver reindex
      archiver --archive /data/brand reindex
    """
    with wiring.opened(wiring.settings(context)) as (archive, store):
        applied = rebuild(archive, store, wiring.show_progress(context))
    click.echo(f"{applied.conversations:,} conversations indexed", err=True)
    for seq, reason in applied.refused:
        click.echo(f"vault entry {seq} cannot be indexed: {reason}", err=True)
