"""`archiver scheduled`."""

from __future__ import annotations

import re
import sys

import click

from archiver.access import Action
from archiver.archive import ScheduledExport, checked_pause
from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.cli.terminal import one_line
from archiver.dates import parse_duration, written_duration
from archiver.destinations import checked_destination
from archiver.errors import ConfigError, counted
from archiver.export import check_parquet
from archiver.outputs import exports_json
from archiver.packaging import FOLDER_FORMATS
from archiver.scheduling import make_now

_NAME = re.compile(r"[\w-][\w.-]{0,99}")  # a part of a folder's name


@click.group("scheduled")
def command() -> None:
    """Export again and again, to a folder or an object store.

    The service, archiver serve --harvest or archiver harvest --follow, makes each export when it is due. Each is a new
    folder with its time in the name; it is complete when export.json is in it.

    \b
    Examples:
      archiver scheduled add nightly 'on:yesterday' --format parquet --to s3://warehouse/liveperson --every 1d
      archiver scheduled list
      archiver scheduled run nightly
    """


@command.command("add", cls=QueryCommand)
@click.argument("name")
@click.argument("query", nargs=-1)
@click.option("--format", "format_", type=click.Choice(FOLDER_FORMATS), required=True, help="docs/export.md.")
@click.option(
    "--to", "destination", required=True, metavar="FOLDER|URL",
    help="A folder that exists, or s3://, gs://, abfs:// or sftp:// (docs/export.md).",
)  # fmt: skip
@click.option("--every", default="1d", show_default=True, help="How often, such as 1h, 1d or 1w.")
@click.pass_context
def add(
    context: click.Context, name: str, query: tuple[str, ...], format_: str, destination: str, every: str
) -> None:  # fmt: skip
    """Schedule an export of everything, or of what a query finds. The first is made at once.

    \b
    Examples:
      archiver scheduled add nightly 'on:yesterday' --format parquet --to s3://warehouse/liveperson --every 1d
      archiver scheduled add billing 'skill:Billing' --format csv --to /srv/reports --every 1w
    """
    try:
        pause = checked_pause(parse_duration(every))
    except ValueError as error:
        raise ConfigError(f"--every: {error}", hint="Such as 1h, 1d or 1w.") from None
    if not _NAME.fullmatch(name):
        raise ConfigError(f"the name {name!r} is no name of a folder", hint="Use up to 100 letters, digits, - and _.")
    if format_ == "parquet":
        check_parquet()
    with shared.opened(context) as archive:
        shared.show_advice(archive, archive.parse(" ".join(query)))
        now = archive.now()
        item = ScheduledExport(
            name, " ".join(query), format_, checked_destination(destination), pause, now, now
        )  # fmt: skip
        archive.audit(Action.SAVE, what="scheduled", to=name, query=item.query, format=format_, output=item.destination)
        archive.file.scheduled.add(item)
    click.echo(f"{one_line(name)} is made by the service, or by: archiver scheduled run {one_line(name)}", err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.scheduled/1.")
@click.pass_context
def list_(context: click.Context, as_json: bool) -> None:
    """List scheduled exports, when each was made, when it is due, and why it failed.

    \b
    Examples:
      archiver scheduled list
      archiver scheduled list --json
    """
    with shared.opened(context) as archive:
        items = archive.file.scheduled.all()
    if as_json:
        shared.print_json(exports_json(items))
        return
    for item in items:
        done = f"made {item.done_at:%Y-%m-%d %H:%M}" if item.done_at else "never made"
        what = f"{item.format} of {item.query or 'everything'} to {item.destination}"
        due = f"due {item.due_at:%Y-%m-%d %H:%M} UTC"
        click.echo(one_line(f"{item.name}  {what}  every {written_duration(item.every)}  {done}, {due}"))
        if item.remark:
            click.echo(one_line(f"  {item.remark}"))
    click.echo(counted(len(items), "scheduled export"), err=True)
    if any(item.remark for item in items):
        sys.exit(shared.FOUND_SOMETHING)


@command.command("run")
@click.argument("name")
@click.pass_context
def run(context: click.Context, name: str) -> None:
    """Make a scheduled export now.

    \b
    Examples:
      archiver scheduled run nightly
    """
    with shared.opened(context) as archive:
        place = make_now(archive, name, shared.progress(context))
        shared.show_quarantined(archive)
        remark = archive.file.scheduled.one(name).remark
    if place is None:
        hint = "Mend it and run it again; the service tries what is due every ten minutes."
        raise ConfigError(f"{name} could not be made. {remark}", hint=hint)
    click.echo(one_line(place))
    if remark:
        click.echo(one_line(remark), err=True)
        sys.exit(shared.FINISHED_WITH_GAPS)


@command.command("remove")
@click.argument("name")
@click.pass_context
def remove(context: click.Context, name: str) -> None:
    """Make a scheduled export no more; what it has written stays.

    \b
    Examples:
      archiver scheduled remove nightly
    """
    with shared.opened(context) as archive:
        archive.file.scheduled.one(name)
        archive.audit(Action.SAVE, what="remove scheduled", to=name)
        archive.file.scheduled.remove(name)
    click.echo(f"{one_line(name)} is removed.", err=True)
