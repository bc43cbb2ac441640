"""`archiver harvest`."""

from __future__ import annotations

import sys
from datetime import timedelta

import click
from click.core import ParameterSource

from archiver import windows
from archiver.app import Archive
from archiver.archive import WindowReading
from archiver.cli import context as shared
from archiver.cli.follow import DEFAULT_LISTEN, follow, listen_at
from archiver.dates import parse_duration, parse_moment
from archiver.errors import ArchiverError, ConfigError, counted
from archiver.harvest import Summary, forecast_windows
from archiver.liveperson import account_of
from archiver.logs import EventLogger
from archiver.model import Window
from archiver.service import Schedule

_log = EventLogger("cli")
USUAL_PAUSE = "5m"
_SHORTEST_PAUSE = timedelta(seconds=1)


@click.command("harvest")
@click.option(
    "--from", "from_", metavar="DATE", help="First day; default is as far back as LivePerson keeps conversations."
)
@click.option("--to", metavar="DATE", help="Last day, inclusive; default is now.")
@click.option(
    "--follow", "is_followed", is_flag=True, help="Harvest continuously: new, changed and missing conversations."
)
@click.option(
    "--every", metavar="DURATION", default=USUAL_PAUSE, show_default=True,
    help="With --follow: how often to read new conversations.",
)  # fmt: skip
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help=f"With --follow: address of health and metrics; default {DEFAULT_LISTEN}; off serves none.",
)
@click.option(
    "--all-profiles",
    is_flag=True,
    help="Harvest every account of the settings file, one after the other; with --follow all at once.",
)
@click.option("--dry-run", is_flag=True, help="Print the windows and how many requests they may take; send none.")
@click.pass_context
def command(
    context: click.Context, from_: str | None, to: str | None, is_followed: bool, every: str, listen: str | None,
    all_profiles: bool, dry_run: bool,
) -> None:  # fmt: skip
    """Harvest conversations from LivePerson into the archive.

    Reads every conversation that started in the span (LivePerson keeps 13 months), keeps each raw record, proves each
    window complete by LivePerson's own counts, and brings the search index up to date. Stop it at any time: the same
    command resumes where it stopped; after it has finished, it reads the span again. Dates: 2026-03-31, 2026-03, 90d,
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
      archiver harvest --follow --all-profiles
    """
    _check_follow(context, is_followed=is_followed)
    if is_followed:
        archives = _archives(context, all_profiles=all_profiles)
        is_verbose = bool(context.find_root().obj["verbose"])
        follow(archives, schedule_of(archives[0], every, from_), listen_at(listen), is_verbose=is_verbose)
        return
    _warn_of_retention(context, from_)
    archives = _archives(context, all_profiles=all_profiles)
    if dry_run:
        for archive in archives:
            _print_plan(archive, archive.harvest_span(from_, to))
        return
    code = max(_harvest_one(context, archive, from_, to, is_one_of=all_profiles) for archive in archives)
    if code:
        sys.exit(code)


def _archives(context: click.Context, *, all_profiles: bool) -> list[Archive]:
    settings = shared.settings_of_profiles(context) if all_profiles else [shared.settings(context)]
    return [Archive(chosen, progress=shared.progress(context)) for chosen in settings]


def _check_follow(context: click.Context, *, is_followed: bool) -> None:
    """Refuses options that would have no effect. Raises ConfigError."""
    without_effect = {"to": "--to", "dry_run": "--dry-run"}
    if not is_followed:
        without_effect = {"every": "--every", "listen": "--listen"}
    for name, option in without_effect.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            verb = "can't be used with --follow, which never finishes" if is_followed else "works only with --follow"
            raise ConfigError(
                f"{option} {verb}", hint=f"Leave {option} out{'' if is_followed else ', or add --follow'}."
            )


def schedule_of(archive: Archive, every: str, from_: str | None) -> Schedule:
    """How often to ask, and since when. Raises ConfigError."""
    try:
        pause = parse_duration(every)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    if pause < _SHORTEST_PAUSE:
        raise ConfigError(f"--every {every} is too short", hint="Write at least 1s.")
    return Schedule(pause, parse_moment(from_, archive.believed_now(), is_end=False) if from_ else None)


def _warn_of_retention(context: click.Context, from_: str | None) -> None:
    now = shared.now()
    kept, start = windows.provable(now).start, parse_moment(from_, now, is_end=False)
    if start and start < kept:
        words = "what it still returns from before is kept, and not proven complete"
        shared.say(context, f"LivePerson keeps 13 months, since {kept:%Y-%m-%d}: {words}.")


def _harvest_one(
    context: click.Context, archive: Archive, from_: str | None, to: str | None, *, is_one_of: bool
) -> int:  # fmt: skip
    """The exit code of one account's harvest. If one of several fails, the others go on."""
    profile = archive.settings.profile
    if is_one_of:
        shared.say(context, f"profile {profile}:")
        _log.info("profile.started", f"profile {profile}", profile=profile)
    try:
        with archive:
            summary = archive.harvest(from_, to)
            refused = archive.refused()
            shared.show_refused(refused)
            code = _report(context, summary)
            shared.show_head(context, archive)
        return code or (shared.FINISHED_WITH_GAPS if refused else 0)
    except ArchiverError as error:
        if not is_one_of:
            raise
        message = f"profile {profile}: {error.message}. {error.hint or ''}".rstrip()
        _log.error("profile.failed", message, profile=profile, code=error.code)
        return error.exit_code


def _print_plan(archive: Archive, span: Window) -> None:
    """What a harvest of the span would read, and how many requests that takes, judging by the last harvest."""
    readings: list[WindowReading] = []
    if archive.exists:
        with archive:
            readings = list(archive.file.ledger.readings())
    planned = list(forecast_windows(span, readings, archive.believed_now()))
    for item in planned:
        state = ", ".join(sorted(item.states)) or "not read yet"
        click.echo(f"{item.window}  {state:<12}  {counted(item.requests, 'request'):>13}")
    per_s = account_of(archive.settings).rate_limiter().per_s
    requests = sum(item.requests for item in planned)
    click.echo(
        f"{counted(len(planned), 'window')}, about {counted(requests, 'request')}, "
        f"{requests / per_s / 60:,.1f} minutes at {per_s:g}/s; "
        "more if new windows are full.",
        err=True,
    )


def _report(context: click.Context, summary: Summary) -> int:
    """Prints the result of a harvest; the exit code: 3 if something could not be proven."""
    shared.say(
        context,
        f"{counted(summary.conversations, 'conversation')} read in {counted(summary.windows, 'window')}, "
        f"{counted(summary.new, 'new version')}.",
    )
    if summary.quarantined:
        when = "" if summary.unproven else " at first, and another reading had everything"
        records = counted(summary.quarantined, "record")
        shared.say(context, f"{records} could not be read{when}; the bytes are kept: archiver quarantine")
    if summary.unproven:
        unproven = f"Not proven complete: {counted(len(summary.unproven), 'window')}, for the reasons above"
        shared.say(context, f"{unproven}. Run the command again, unless a reason names what to put right first.")
    return shared.FINISHED_WITH_GAPS if summary.unproven else 0
