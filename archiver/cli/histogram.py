"""`archiver histogram`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

import click

from archiver.cli import context as shared
from archiver.cli.query import QueryCommand
from archiver.errors import counted
from archiver.export import as_csv
from archiver.index import Histogram
from archiver.intervals import Interval
from archiver.outputs import ProvenBar, histogram_json, proven_bars
from archiver.query import Scope
from archiver.transcript import iso

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_NARROWEST, _WIDEST = 10, 60  # characters of the longest bar
_GAP = "?"


@click.command("histogram", cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option(
    "--interval",
    type=click.Choice([item.value for item in Interval]),
    help="Length of a bar.",
)
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default="conversation",
    help="What is counted: conversations by their start, or messages by when they were sent.",
)
@click.option("--csv", "is_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.histogram/1.")
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], interval: str | None, scope: str, is_csv: bool, as_json: bool
) -> None:
    """Draw how many conversations or messages a query finds in each hour, day, week, month, quarter or year.

    Days begin at midnight of the time zone of --tz (UTC by default), weeks on Monday. Intervals without results are
    drawn, too. An interval of which not all is proven complete is marked with ?: its bar may be too short. Of messages,
    everything until then has to be proven, as a message may belong to a conversation that started long before.

    \b
    Examples:
      archiver histogram refund
      archiver histogram 'refund skill:Hotels' --interval week
      archiver --tz Europe/Berlin histogram 'from:customer lawyer' --scope message --interval day --csv
    """
    if is_csv and as_json:
        raise click.UsageError("Choose --csv or --json.")
    with shared.opened(context) as archive:
        search = archive.search(" ".join(query), scope=scope, limit=0)
        zone = archive.zone
        chosen = Interval(interval) if interval else None
        found = search.counted(zone, lambda counting: counting.histogram(chosen))
        worth = search.assurance(archive.believed_now())
        archive.audit_search(search)
    shared.show_notices(search.notices)
    rows = list(proven_bars(found, worth, Scope(scope), zone))
    if as_json:
        shared.print_json(histogram_json(search, found, rows, worth, zone))
    elif is_csv:
        click.echo(_csv(found, rows, scope), nl=False)
    else:
        _print(found, rows)
    if not as_json:
        click.echo(f"{counted(search.total, scope)} in all", err=True)
        shared.show_worth(worth, search.total)
    if search.doubts:
        sys.exit(shared.FINISHED_WITH_GAPS)


def _print(found: Histogram, rows: Sequence[ProvenBar]) -> None:
    most = max((row.bar.count for row in rows), default=0)
    digits, names = len(f"{most:,}"), max((len(row.name) for row in rows), default=0)
    width = min(max(shutil.get_terminal_size().columns - names - digits - 4, _NARROWEST), _WIDEST)
    for row in rows:
        mark = " " if row.is_proven else _GAP
        click.echo(f"{row.name} {mark} {row.bar.count:>{digits},} {_drawn(row.bar.count, most, width)}".rstrip())
    if found.elsewhere:
        click.echo(f"{found.elsewhere:,} at an unknown or impossible time")


def _drawn(count: int, most: int, width: int) -> str:
    """A bar in eighths of a character; one that stands for anything is never invisible."""
    eighths = max(round(count * width * 8 / most), 1) if count else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _csv(found: Histogram, rows: Sequence[ProvenBar], scope: str) -> str:
    lines = [
        (row.name, iso(row.bar.start), iso(row.bar.end), row.bar.count, "yes" if row.is_proven else "no")
        for row in rows
    ]
    elsewhere = [("elsewhere", None, None, found.elsewhere, None)] if found.elsewhere else []
    return as_csv((found.interval, "from", "to", f"{scope}s", "proven"), [*lines, *elsewhere])
