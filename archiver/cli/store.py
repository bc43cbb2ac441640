"""`archiver store`."""

from __future__ import annotations

import click

from archiver.cli import context as shared
from archiver.errors import StoreOutdated
from archiver.value import as_dict
from archiver.visible import safe


@click.group("store")
def command() -> None:
    """Prepare, inspect or remove the search index.

    The index is built from the vault and can be rebuilt at any time: archiver reindex.

    \b
    Examples:
      archiver store prepare
      archiver --store https://elasticsearch:9200 store status
    """


@command.command("prepare")
@click.pass_context
def prepare(context: click.Context) -> None:
    """Install templates and make the index ready for writing.

    Needs an API key that may manage index templates; harvesting and searching then need less (docs/elasticsearch.md).
    Also restores the index settings after a backfill that crashed. An index that another version of this program built
    is rebuilt from the vault, while the old one answers.

    \b
    Examples:
      archiver store prepare
      ARCHIVER_STORE=https://elasticsearch:9200 archiver store prepare
    """
    with shared.opened(context) as archive:
        archive.make()
        try:
            archive.store.prepare()
        except StoreOutdated as error:
            shared.say(context, f"{error.message}; rebuilding it.")
            shared.show_refused(archive.reindex().refused)
    click.echo("The index is ready.", err=True)


@command.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.store/2.")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """Show where the index is, how far it is built, and what it refused.

    \b
    Examples:
      archiver store status
      archiver store status --json
    """
    with shared.opened(context) as archive:
        condition = archive.index_status()
        described = {"vault_head": archive.file.vault.head(), **as_dict(condition)}
        refused = None if condition.faults else archive.refused()
    if as_json:
        shared.print_json({"schema": "archiver.store/2", **described, "refusals": refused})
        return
    for name, value in described.items():
        if value not in (None, ()):
            click.echo(f"{name.removeprefix('is_').replace('_', ' '):<16} {safe(_shown(value))}")
    shared.show_refused(refused or ())


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return f"\n{' ':17}".join(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


@command.command("drop")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.pass_context
def drop(context: click.Context, yes: bool) -> None:
    """Remove the index. The vault keeps everything; archiver reindex rebuilds the index.

    \b
    Examples:
      archiver store drop
      archiver store drop --yes
    """
    with shared.opened(context) as archive:
        if not yes:
            click.confirm(f"Remove the index of {archive.file.folder}? Nothing in the vault is touched.", abort=True)
        archive.store.drop()
    click.echo("The index is removed. Rebuild it with: archiver reindex", err=True)
