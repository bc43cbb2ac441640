"""`archiver coverage`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import groupby

import click

from archiver.archive import Coverage, CoverageState, Day, Stretch
from archiver.cli import context as shared
from archiver.cli.terminal import exact, safe
from archiver.errors import abridged, counted
from archiver.transcript import iso

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
        shared.print_json(_as_json(coverage))
    else:
        if not only_gaps:
            _print_calendar(coverage.days)
            _print_depth(coverage)
            _print_vanished(coverage)
        _print_gaps(coverage)
    if fail_on_gaps and coverage.gaps:
        sys.exit(shared.FOUND_SOMETHING)


def _as_json(coverage: Coverage) -> dict[str, object]:
    """`archiver.coverage/2`."""
    hours = {
        state.value: round(sum(item.hours for item in coverage.stretches if item.state is state), 2)
        for state in CoverageState
    }
    return {
        "schema": "archiver.coverage/2",
        "start": iso(coverage.span.start),
        "end": iso(coverage.span.end),
        "hours": hours,
        "hours_until_oldest_gap_is_lost": None if coverage.hours_left is None else round(coverage.hours_left, 2),
        "kept": coverage.kept,
        "shallow": coverage.shallow,
        "vanished": coverage.vanished,
        "gaps": [_gap(item) for item in coverage.gaps],
        "windows": [_gap(item) for item in coverage.stretches],
        "months": [_month(name, list(group)) for name, group in groupby(coverage.days, key=_month_of)],
        "days": coverage.days,
    }


def _gap(item: Stretch) -> dict[str, object]:
    return {
        "start": iso(item.window.start), "end": iso(item.window.end), "state": item.state, "reason": item.reason,
        "conversations": item.conversations, "expected": item.expected,
    }  # fmt: skip


def _month_of(item: Day) -> str:
    return f"{item.day:%Y-%m}"


def _month(name: str, in_span: list[Day]) -> dict[str, object]:
    hours = {state.value: round(sum(day.hours.get(state.value, 0.0) for day in in_span), 2) for state in CoverageState}
    return {
        "month": name, "hours": {state: value for state, value in hours.items() if value},
        "expected": sum(day.expected for day in in_span), "conversations": sum(day.conversations for day in in_span),
        "kept": sum(day.kept for day in in_span), "is_exact": all(day.is_exact for day in in_span),
    }  # fmt: skip


def _print_calendar(covered: Iterable[Day]) -> None:
    """A line per month, a sign per day."""
    click.echo("         " + "".join(str(day % 10) for day in range(1, 32)))
    for month, group in groupby(covered, key=_month_of):
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
