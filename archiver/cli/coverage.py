"""`archiver coverage`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

import click

from archiver.archive import TARGET, CoverageState, Day, Stretch, days, gaps, hours_left, stretches, whole_span
from archiver.cli import wiring
from archiver.cli.doctor import FOUND_SOMETHING
from archiver.cli.terminal import safe
from archiver.errors import ConfigError
from archiver.jsontext import pretty
from archiver.model import Window, from_ms
from archiver.transcript import iso

_GLYPHS = {
    CoverageState.SEALED: "■",
    CoverageState.PROVISIONAL: "▪",
    CoverageState.OPEN: "·",
    CoverageState.FAILED: "!",
    CoverageState.LOST: "×",
}
_SHOWN_GAPS = 20
_DAY_MS = 86_400_000


@click.command("coverage")
@click.option("--from", "from_", metavar="DATE", help="First day; default is all that LivePerson keeps or was read.")
@click.option("--to", metavar="DATE", help="Last day, inclusive; default is now.")
@click.option("--gaps", "only_gaps", is_flag=True, help="Print only what is open, failed or lost.")
@click.option("--fail-on-gaps", is_flag=True, help="Exit with 9 if there are any.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.coverage/1.")
@click.pass_context
def command(
    context: click.Context, from_: str | None, to: str | None, only_gaps: bool, fail_on_gaps: bool, as_json: bool
) -> None:
    """Show which days are proven complete, and how long the oldest gap can still be closed.

    A day is sealed (proven complete), provisional (read whole, but records may still arrive), open (not read), failed
    (read and not proven), or lost (left LivePerson's 13 months before it was proven). Days are in UTC.

    \b
    Examples:
      archiver coverage
      archiver coverage --from 2026-01 --gaps
      archiver coverage --fail-on-gaps --json
    """
    now = wiring.now()
    with wiring.opened(wiring.settings(context)) as (archive, _):
        readings, target = list(archive.ledger.readings()), archive.ledger.marked(TARGET)
        kept = {from_ms(day * _DAY_MS).date(): count for day, count in archive.vault.started(_DAY_MS)}
    found = list(stretches(_span(from_, to, whole_span(readings, now, target), now), readings, now))
    missing, left = gaps(found), hours_left(found, now)
    if as_json:
        click.echo(pretty(_described(found, missing, left, list(days(found, kept)))))
    else:
        if not only_gaps:
            _print_calendar(list(days(found, kept)))
        _print_gaps(missing, left)
    if fail_on_gaps and missing:
        sys.exit(FOUND_SOMETHING)


def _span(from_: str | None, to: str | None, whole: Window, now: datetime) -> Window:
    start = wiring.moment(from_, now, is_end=False) or whole.start
    end = min(wiring.moment(to, now, is_end=True) or whole.end, whole.end)
    if start >= end:
        raise ConfigError("--from must be before --to and before now", hint="archiver coverage --from 2026-01")
    return Window(start, end)


def _described(
    found: list[Stretch], missing: list[Stretch], left: float | None, by_day: list[Day]
) -> dict[str, object]:  # fmt: skip
    return {
        "schema": "archiver.coverage/1",
        "start": iso(found[0].window.start),
        "end": iso(found[-1].window.end),
        "hours": {
            state.value: round(sum(item.hours for item in found if item.state is state), 2) for state in CoverageState
        },
        "hours_until_oldest_gap_is_lost": None if left is None else round(left, 2),
        "gaps": [_gap(item) for item in missing],
        "windows": [_gap(item) for item in found],
        "months": [_month(name, list(group)) for name, group in groupby(by_day, key=_month_of)],
        "days": by_day,
    }


def _gap(item: Stretch) -> dict[str, object]:
    return {
        "start": iso(item.window.start), "end": iso(item.window.end), "state": item.state, "reason": item.reason,
        "conversations": item.conversations, "expected": item.expected,
    }  # fmt: skip


def _month_of(item: Day) -> str:
    return f"{item.day:%Y-%m}"


def _month(name: str, found: list[Day]) -> dict[str, object]:
    hours = {state.value: round(sum(day.hours.get(state.value, 0.0) for day in found), 2) for state in CoverageState}
    return {
        "month": name, "hours": {state: value for state, value in hours.items() if value},
        "expected": sum(day.expected for day in found), "conversations": sum(day.conversations for day in found),
        "kept": sum(day.kept for day in found), "is_exact": all(day.is_exact for day in found),
    }  # fmt: skip


def _print_calendar(found: list[Day]) -> None:
    """A line for each month, a sign for each day."""
    click.echo("         " + "".join(str(day % 10) for day in range(1, 32)))
    for month, group in groupby(found, key=_month_of):
        in_month = {item.day.day: item for item in group}
        signs = "".join(_GLYPHS[in_month[day].state] if day in in_month else " " for day in range(1, 32))
        click.echo(f"{month}  {signs}  {_counted(in_month.values())}")
    click.echo("\n" + "   ".join(f"{glyph} {state.value}" for state, glyph in _GLYPHS.items()))


def _counted(found: Iterable[Day]) -> str:
    """What LivePerson announced, and what the vault has: also what LivePerson does not have any more."""
    expected, kept, is_exact = 0, 0, True
    for day in found:
        expected, kept, is_exact = expected + day.expected, kept + day.kept, is_exact and day.is_exact
    return f"{'' if is_exact else 'at least '}{expected:,} expected, {kept:,} kept"


def _print_gaps(missing: list[Stretch], left: float | None) -> None:
    for item in missing[:_SHOWN_GAPS]:
        reason = f": {safe(item.reason)}" if item.reason else ""
        click.echo(f"{item.state:<6} {item.window}{reason}")
    if len(missing) > _SHOWN_GAPS:
        click.echo(f"… and {len(missing) - _SHOWN_GAPS:,} more gaps (--json for all)")
    if not missing:
        click.echo("No gaps.", err=True)
    elif left is None:
        click.echo(f"{len(missing):,} gaps, none of which can be closed any more.", err=True)
    else:
        click.echo(f"{len(missing):,} gaps. The oldest is lost from {left:,.0f} hours on: archiver harvest", err=True)
