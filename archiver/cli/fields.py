"""`archiver fields`."""

from __future__ import annotations

from contextlib import suppress

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.terminal import one_line
from archiver.errors import RecordError, suggest
from archiver.index import Counts
from archiver.query import FACETS, MEANING, RECORD, ZONES, fact_words
from archiver.transcript import project

_SHOWN, _MOST = 5, 50  # values
_SAMPLE = 500  # vault entries


@click.command("fields")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.pass_context
def command(context: click.Context, names: tuple[str, ...]) -> None:
    """List the fields of the query language, with the most frequent values in this archive.

    Zones say which kind of text words are searched in; other fields are facts about the conversation. With names, only
    these fields, and 50 values of each; with record, the paths of the newest records, or those that contain a text.

    \b
    Examples:
      archiver fields
      archiver fields skill closed
      archiver fields sde
      archiver fields record
      archiver fields record.survey
    """
    asked = [name.rstrip(":").lower() for name in names]
    within = [name.partition(".")[2] for name in asked if name.startswith(f"{RECORD}.")]
    wanted = list(dict.fromkeys(name.partition(".")[0] for name in asked))
    for name in wanted:
        if name not in MEANING:
            raise click.UsageError(f"There is no field {name}. {suggest(name, MEANING, what='Fields')}")
    shown = wanted or sorted(MEANING, key=lambda name: (name not in ZONES, name))
    with shared.opened(context) as archive:
        archive.audit(Action.SEARCH, fields=asked or ["all"])
        facets = [name for name in shown if name in FACETS]
        values = archive.count_by("", *facets, limit=_MOST if wanted else _SHOWN) if archive.exists else {}
        paths = _paths(archive) if RECORD in wanted and archive.exists else {}
    for name in shown:
        click.echo(f"{name + ':':<13} {MEANING[name]}")
        if name in values and any(item.value for item in values[name].values):
            click.echo(f"{'':13} {_listed(values[name])}")
    for path, value in sorted(paths.items()):
        if within and not any(part in path.lower() for part in within):
            continue
        click.echo(f"  {RECORD}.{one_line(path)}  such as {one_line(value)}")


def _listed(counts: Counts) -> str:
    known = ", ".join(f"{one_line(item.value)} ({item.count:,})" for item in counts.values if item.value is not None)
    return f"{known}, and {counts.others:,} others" if counts.others else known


def _paths(archive: Archive) -> dict[str, str]:
    """The paths of the newest records, each with a value that stands there."""
    vault = archive.file.vault
    found: dict[str, str] = {}
    for record in vault.after(max(vault.head() - _SAMPLE, 0)):
        with suppress(RecordError):
            found |= fact_words(project(record.raw))
    return found
