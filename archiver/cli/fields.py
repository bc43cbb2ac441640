"""`archiver fields`."""

from __future__ import annotations

import click

from archiver.cli import context as shared
from archiver.cli.terminal import one_line
from archiver.errors import suggest
from archiver.query import FACETS, MEANING, ZONES

_SHOWN, _MOST = 5, 50


@click.command("fields")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_context
def command(context: click.Context, names: tuple[str, ...]) -> None:
    """List the fields of the query language, with the most frequent values in this archive.

    Zones say which kind of text words are searched in; other fields are facts about the conversation. With names, only
    these fields, and 50 values of each.

    \b
    Examples:
      archiver fields
      archiver fields skill closed
    """
    wanted = [name.rstrip(":").lower() for name in names]
    for name in wanted:
        if name not in MEANING:
            raise click.UsageError(f"There is no field {name}. {suggest(name, MEANING, what='Fields')}")
    shown = wanted or sorted(MEANING, key=lambda name: (name not in ZONES, name))
    with shared.opened(context) as archive:
        facets = [name for name in shown if name in FACETS]
        values = archive.count_by("", *facets, limit=_MOST if wanted else _SHOWN) if archive.exists else {}
    for name in shown:
        click.echo(f"{name + ':':<13} {MEANING[name]}")
        if name in values and values[name].total:
            counted = ", ".join(f"{one_line(item.value or '(none)')} ({item.count:,})" for item in values[name].values)
            click.echo(f"{'':13} {counted}")
