"""`archiver upgrade`."""

from __future__ import annotations

import click

from archiver.archive import Upgraded
from archiver.cli import context as shared
from archiver.errors import counted
from archiver.value import as_dict


@click.command("upgrade")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.upgrade/1.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Make the archive's file smaller, by the newest format.

    Every command converts an archive of an older format by itself, so that it can be used at once. This one does what
    takes longer: it compresses every record with a dictionary that is trained from the archive's own records, and
    writes the file anew without the space that this saves. The dictionary holds nothing that people said or are called.
    Records, the chain and noted heads stay the same. A new archive is compressed so from its first 1,000 records on.

    Interrupt it whenever you like: a second run goes on from there. It needs free space on the archive's disk for two
    copies of the file. No harvest may run meanwhile; searching and reading go on.

    \b
    Examples:
      archiver upgrade
      archiver --archive /data/brand upgrade
    """
    with shared.opened(context) as archive:
        upgraded = archive.upgrade()
    if as_json:
        shared.print_json({"schema": "archiver.upgrade/1", **as_dict(upgraded)})
    else:
        _print(upgraded)


def _print(upgraded: Upgraded) -> None:
    if not upgraded.is_trained:
        click.echo(
            f"Nothing to do yet: a dictionary is trained at the harvest that brings the {upgraded.least_records:,}th"
            " record.", err=True,
        )  # fmt: skip
        return
    click.echo(f"{counted(upgraded.compressed, 'record')} compressed anew, format {upgraded.format}.", err=True)
    click.echo(f"The file has {_mb(upgraded.bytes_after)}; before, {_mb(upgraded.bytes_before)}.", err=True)


def _mb(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
