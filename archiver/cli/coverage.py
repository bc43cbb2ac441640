"""`archiver coverage`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby

import click

from archiver.archive import Coverage, CoverageState, Day
from archiver.cli import context as shared
from archiver.cli.terminal import exact
from archiver.errors import abridged, counted
from archiver.outputs import coverage_json, month_of
from archiver.visible import safe

_GLYPHS = {
    CoverageState.SEALED: "■",
    CoverageState.PROVISIONAL: "▪",
    CoverageState.OPEN: "·",
    CoverageState.UNPROVEN: "!",
    CoverageState.LOST: "×",
}
_SHOWN_GAPS, _SHOWN_IDS = 20, 5


@click.command("coverage")
@click.option(
    "--from", "from_", metavar="DATE", help="First day; default is everything that LivePerson keeps or that was read."
)
@click.option("--to", metavar="DATE", help="Last day, inclusive; default is now.")
@click.option("--gaps", "only_gaps", is_flag=True, help="Print only the gaps: open, unproven and lost spans.")
@click.option("--fail-on-gaps", is_flag=True, help="Exit with code 9 if there are gaps.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.coverage/2.")
@click.pass_context
def command(
    context: click.Context, from_: str | None, to: str | None, only_gaps: bool, fail_on_gaps: bool, as_json: bool
) -> None:
    """Show which days are proven complete, and how long gaps can still be closed.

    A day is sealed (proven complete), provisional (read whole, but records may still arrive), open (not read), unproven
    (read, and not proven complete), or lost (deleted at LivePerson before it was proven). Days are in UTC.

    \b
    Examples:
      archiver coverage
      archiver coverage --from 2026-01 --gaps
      archiver coverage --fail-on-gaps --json
    """
    with shared.opened(context) as archive:
        coverage = archive.coverage(from_, to)
        shared.show_notices([notice] if (notice := archive.file.ledger.clock_notice()) else [])
    if as_json:
        shared.print_json(coverage_json(coverage))
    else:
        if not only_gaps:
            _print_calendar(coverage.days)
            _print_depth(coverage)
            _print_vanished(coverage)
        _print_gaps(coverage)
    if fail_on_gaps and coverage.gaps:
        sys.exit(shared.FOUND_SOMETHING)


def _print_calendar(covered: Iterable[Day]) -> None:
    """A line per month, a sign per day."""
    click.echo("         " + "".join(str(day % 10) for day in range(1, 32)))
    for month, group in groupby(covered, key=month_of):
        in_month = {item.day.day: item for item in group}
        signs = "".join(_GLYPHS[in_month[day].state] if day in in_month else " " for day in range(1, 32))
        click.echo(f"{month}  {signs}  {_counted(in_month.values())}")
    click.echo("\n" + "   ".join(f"{glyph} {state.value}" for state, glyph in _GLYPHS.items()))


def _counted(in_span: Iterable[Day]) -> str:
    """What LivePerson announced, and what the vault has, including what LivePerson no longer has."""
    expected, kept, is_exact = 0, 0, True
    days = list(in_span)
    if all(day.state is CoverageState.OPEN for day in days):
        return f"not read yet, {sum(day.kept for day in days):,} kept"
    for day in days:
        expected, kept, is_exact = expected + day.expected, kept + day.kept, is_exact and day.is_exact
    return f"{'' if is_exact else 'at least '}{expected:,} expected, {kept:,} kept"


def _print_depth(coverage: Coverage) -> None:
    if coverage.shallow:
        kept, shallow = counted(coverage.kept, "conversation"), f"{coverage.shallow:,}"
        click.echo(
            f"Of {kept} kept, {shallow} lack some SDEs, because they were not read by their ids: archiver harvest"
        )


def _print_vanished(coverage: Coverage) -> None:
    if coverage.vanished:
        named = abridged(list(map(exact, coverage.vanished)), _SHOWN_IDS)
        conversations = counted(len(coverage.vanished), "archived conversation")
        click.echo(f"LivePerson lists {conversations} no more: {named} (archiver history ID)")


def _print_gaps(coverage: Coverage) -> None:
    for item in coverage.gaps[:_SHOWN_GAPS]:
        reason = f": {safe(item.reason)}" if item.reason else ""
        click.echo(f"{item.state:<8} {item.window}{reason}")
    count = len(coverage.gaps)
    if count > _SHOWN_GAPS:
        click.echo(f"… and {counted(count - _SHOWN_GAPS, 'more gap')} (--json for all)")
    if not count:
        click.echo("No gaps.", err=True)
    elif coverage.hours_left is None:
        click.echo(f"{counted(count, 'gap')}; nothing of that can be closed any more.", err=True)
    else:
        gaps = counted(count, "gap")
        hours = counted(round(coverage.hours_left), "hour") if coverage.hours_left >= 1 else "the next hour"
        click.echo(f"{gaps}. LivePerson begins to delete the oldest in {hours}. To close: archiver harvest", err=True)
