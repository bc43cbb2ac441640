"""`archiver store`."""

from __future__ import annotations

import click

from archiver.cli import wiring
from archiver.jsontext import pretty


@click.group("store")
def command() -> None:
    """Prepare, look at, or remove the search index.

    The index is made from the vault and can be made again at any time: archiver reindex.

    \b
    Examples:
      archiver store prepare
      archiver --store https://elasticsearch:9200 store status
    """


@command.command("prepare")
@click.pass_context
def prepare(context: click.Context) -> None:
    """Install templates and make the index ready to be written to.

    Needs an API key that may manage index templates; harvesting and searching then need less (docs/elasticsearch.md).
    Also takes back the settings that a crashed backfill left behind.

    \b
    Examples:
      archiver store prepare
      ARCHIVER_STORE=https://elasticsearch:9200 archiver store prepare
    """
    with wiring.opened(wiring.settings(context), or_make=True) as (_, store):
        store.prepare()
    click.echo("The index is ready.", err=True)


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.store/1.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Say what the index is, how far it is, and what it refused.

    \b
    Examples:
      archiver store status
      archiver store status --json
    """
    with wiring.opened(wiring.settings(context)) as (archive, store):
        described = {"vault_head": archive.vault.head(), **store.describe()}
        refused = store.refused()
    if as_json:
        click.echo(pretty({"schema": "archiver.store/1", **described, "refusals": refused}))
        return
    for name, value in described.items():
        shown = ", ".join(value) if isinstance(value, list) else f"{value:,}" if type(value) is int else value
        click.echo(f"{name.replace('_', ' '):<16} {shown}")
    wiring.show_refused(refused)


@command.command("drop")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def drop(context: click.Context, yes: bool) -> None:
    """Remove the index. The vault keeps everything; archiver reindex makes the index again.

    \b
    Examples:
      archiver store drop
      archiver store drop --yes
    """
    with wiring.opened(wiring.settings(context)) as (archive, store):
        if not yes:
            click.confirm(f"Remove the index of {archive.folder}? Nothing in the vault is touched.", abort=True)
        store.drop()
    click.echo("The index is gone. Make it again with: archiver reindex", err=True)
