"""`archiver harvest`."""

from __future__ import annotations

import re
import sys
from datetime import timedelta

import click

from archiver import windows
from archiver.archive import Archive, Reading, is_archive, open_archive
from archiver.cli import wiring
from archiver.cli.follow import LISTEN, follow_account
from archiver.config import Settings
from archiver.errors import ArchiverError, ConfigError
from archiver.harvest import Harvest, Summary
from archiver.liveperson import CONTENT, MOST_PER_PAGE, Client, account_of
from archiver.logs import Records
from archiver.model import Window
from archiver.progress import Progress
from archiver.service import Schedule

FINISHED_WITH_GAPS = 3
_DURATION = re.compile(r"(\d+)([smh])")


def target(from_: str | None, to: str | None) -> Window:
    """The asked span, as far as LivePerson still keeps it; what is not said is all of that."""
    now = wiring.now()
    kept = windows.provable(now)
    start = max(wiring.moment(from_, now, is_end=False) or kept.start, kept.start)
    end = min(wiring.moment(to, now, is_end=True) or now, now)
    if start >= end:
        raise ConfigError(
            f"--from must be before --to and before now, and --to after {kept.start:%Y-%m-%d}: "
            "LivePerson keeps 13 months",
            hint="archiver harvest --from 2026-01-01 --to 2026-03",
        )
    return Window(start, end)


def harvest_and_index(chosen: Settings, span: Window, progress: Progress) -> Summary:
    """One harvest into the archive of the settings, and the index brought up to date behind it."""

    def work(source: Client, archive: Archive) -> Summary:
        return Harvest(source, archive, clock=wiring.now, progress=progress, content=",".join(CONTENT)).run(span)

    return wiring.bring(chosen, progress, work)


@click.command("harvest")
@click.option("--from", "from_", metavar="DATE", help="First day; default is all that LivePerson still keeps.")
@click.option("--to", metavar="DATE", help="Last day, inclusive; default is now.")
@click.option("--follow", is_flag=True, help="Go on for ever: what is new, what changed, what is missing.")
@click.option(
    "--every", metavar="DURATION", default="5m", show_default=True, help="With --follow: how often what is new."
)
@click.option("--listen", metavar="HOST:PORT", help=f"With --follow: health and metrics; default {LISTEN}; or off.")
@click.option("--all-profiles", is_flag=True, help="One account of the settings file after the other.")
@click.option("--dry-run", is_flag=True, help="Print the windows and the requests they may take; ask nothing.")
@click.pass_context
def command(
    context: click.Context, from_: str | None, to: str | None, follow: bool, every: str, listen: str | None,
    all_profiles: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Bring conversations from LivePerson into the archive.

    Reads every conversation that started in the span (at most 13 months back), keeps each raw record, proves each
    window complete by LivePerson's own counts, and brings the search index up to date. Stop it at any time: the same
    command goes on where it stopped; after it has finished, it reads the span anew. Dates: 2026-03-31, 2026-03, 90d,
    yesterday; in UTC. With --follow it is a service: docs/operate.md.

    \b
    Examples:
      archiver harvest
      archiver harvest --from 2026-01-01 --to 2026-03-31
      archiver --archive /data/brand harvest --from 7d
      archiver harvest --follow
      archiver --log-format json harvest --follow --every 10m --listen 127.0.0.1:9500
      archiver harvest --from 30d --dry-run
      archiver harvest --all-profiles
    """
    progress = wiring.show_progress(context)
    if follow and (to or all_profiles or dry_run):
        what = "--to" if to else "--all-profiles" if all_profiles else "--dry-run"
        raise ConfigError(f"{what} makes no sense with --follow, which has no end", hint=f"Leave {what} out.")
    if listen and not follow:
        raise ConfigError("--listen makes sense with --follow only", hint="archiver harvest --follow")
    since = wiring.moment(from_, wiring.now(), is_end=False)
    if follow:
        follow_account(wiring.settings(context), Schedule(_pause(every), since), listen, progress)
        return
    if since and since < windows.provable(wiring.now()).start:
        progress.say(f"LivePerson keeps 13 months: nothing before {target(from_, to).start:%Y-%m-%d} is asked for.")
    found = wiring.settings_of_profiles(context) if all_profiles else [wiring.settings(context)]
    if dry_run:
        for chosen in found:
            _print_plan(chosen, target(from_, to))
        return
    code = max(_harvest_one(chosen, target(from_, to), progress, is_one_of=all_profiles) for chosen in found)
    if code:
        sys.exit(code)


def _harvest_one(chosen: Settings, span: Window, progress: Progress, *, is_one_of: bool) -> int:
    """The exit code of one account's harvest. What stops one of several does not stop the others."""
    if is_one_of:
        progress.say(f"profile {chosen.profile}:")
    try:
        return report(harvest_and_index(chosen, span, progress), progress)
    except ArchiverError as error:
        if not is_one_of:
            raise
        progress.say(f"profile {chosen.profile}: {error.message}. {error.hint or ''}".rstrip())
        return error.exit_code


def _print_plan(chosen: Settings, span: Window) -> None:
    """What a harvest of the span would read; how much, by what the last one found there."""
    known: dict[Window, Reading] = {}
    if is_archive(chosen.archive):
        with open_archive(chosen.archive) as archive:
            known = {reading.window: reading for reading in archive.ledger.readings()}
    requests = count = 0
    for window in windows.plan(span):
        inside = [reading for read, reading in known.items() if window.start <= read.start and read.end <= window.end]
        needed = sum(_pages(reading.expected) for reading in inside) or 1
        state = ", ".join(sorted({reading.state for reading in inside})) or "not read yet"
        click.echo(f"{window}  {state:<12}  {needed:>4} request{'s' if needed > 1 else ''}")
        requests, count = requests + needed, count + 1
    per_s = account_of(chosen).budget().per_s
    click.echo(
        f"{count:,} windows, about {requests:,} requests, {requests / per_s / 60:,.1f} minutes at {per_s:g} a second; "
        "more where a window is new and full.",
        err=True,
    )


def _pages(conversations: int) -> int:
    """Neighbouring pages share two rows, and a reading of several ends with one more request."""
    return 1 if conversations <= MOST_PER_PAGE else 1 + -(-conversations // (MOST_PER_PAGE - 2))


def report(summary: Summary, progress: Progress) -> int:
    """Says what a harvest did; the exit code: 3 if something could not be proven."""
    say = progress.say if isinstance(progress, Records) else lambda words: click.echo(words, err=True)
    say(
        f"{summary.conversations:,} conversations read in {summary.windows:,} windows, "
        f"{summary.new:,} new vault entries."
    )
    if summary.aside:
        say(f"{summary.aside:,} records could not be read; their bytes are kept aside.")
    if summary.unproven:
        say(f"{len(summary.unproven):,} windows could not be proven complete; run the command again.")
    return FINISHED_WITH_GAPS if summary.unproven else 0


def _pause(every: str) -> timedelta:
    found = _DURATION.fullmatch(every)
    if not found or not int(found[1]):
        raise ConfigError(f"--every {every} is no duration", hint="Write 5m, 1h or 90s.")
    return timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])
