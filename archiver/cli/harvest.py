"""`archiver harvest`."""

from __future__ import annotations

import sys

import click

from archiver import windows
from archiver.archive import is_archive, make_archive
from archiver.catchup import catch_up
from archiver.cli import wiring
from archiver.config import Settings
from archiver.errors import ConfigError, StoreError
from archiver.harvest import Harvest, Summary
from archiver.liveperson.api import CONTENT, Account, ContactCenter, connect
from archiver.liveperson.calls import Patience
from archiver.model import Window
from archiver.progress import Progress
from archiver.stores import open_store

FINISHED_WITH_GAPS = 3


def contact_center(chosen: Settings, progress: Progress) -> ContactCenter:
    if chosen.auth != "oauth2":
        raise ConfigError(f"auth {chosen.auth} is not available yet", hint="Use oauth2.")
    account = Account(
        chosen.text("account"), chosen.text("domain_url"), chosen.text("client_id"), chosen.secret("client_secret")
    )
    return connect(account, patience=Patience(notify=progress.say))


def target(from_: str | None, to: str | None) -> Window:
    """The asked span; what is not said is all that LivePerson still keeps."""
    now = wiring.now()
    start = wiring.moment(from_, now, is_end=False) or windows.retention(now).start
    end = min(wiring.moment(to, now, is_end=True) or now, now)
    if start >= end:
        raise ConfigError(
            "--from must be before --to and before now", hint="archiver harvest --from 2026-01-01 --to 2026-03"
        )
    return Window(start, end)


def harvest_and_index(chosen: Settings, span: Window, progress: Progress) -> Summary:
    """One harvest into the archive of the settings, and the index brought up to date behind it."""
    source = contact_center(chosen, progress)
    try:
        if not is_archive(chosen.archive):
            source.prove_access(wiring.now())  # a mistyped account must not become an archive's owner
        with make_archive(chosen.archive, chosen.text("account")) as archive:
            store = open_store(chosen.store, folder=archive.folder, archive_id=archive.id)
            try:
                harvest = Harvest(source, archive, clock=wiring.now, progress=progress, content=",".join(CONTENT))
                summary = harvest.run(span)
                catch_up(archive, store, progress)
            except StoreError as error:
                error.hint = f"All conversations are kept. {error.hint or ''} Then: archiver reindex".replace("  ", " ")
                raise
            finally:
                store.close()
            return summary
    finally:
        source.close()


@click.command("harvest")
@click.option("--from", "from_", metavar="DATE", help="First day; default is all that LivePerson still keeps.")
@click.option("--to", metavar="DATE", help="Last day, inclusive; default is now.")
@click.pass_context
def command(context: click.Context, from_: str | None, to: str | None) -> None:
    """Bring conversations from LivePerson into the archive.

    Reads every conversation that started in the span (at most 13 months back), keeps each raw record, proves each
    window complete by LivePerson's own counts, and brings the search index up to date. Stop it at any time: the same
    command goes on where it stopped. Dates: 2026-03-31, 2026-03, 90d, yesterday; in UTC.

    \b
    Examples:
      archiver harvest
      archiver harvest --from 2026-01-01 --to 2026-03-31
      archiver --archive /data/brand harvest --from 7d
    """
    progress = wiring.show_progress(context)
    summary = harvest_and_index(wiring.settings(context), target(from_, to), progress)
    click.echo(
        f"{summary.conversations:,} conversations read in {summary.windows:,} windows, "
        f"{summary.new:,} new vault entries.",
        err=True,
    )
    if summary.aside:
        click.echo(f"{summary.aside:,} records could not be read; their bytes are kept aside.", err=True)
    if summary.unproven:
        click.echo(f"{len(summary.unproven):,} windows could not be proven complete; run the command again.", err=True)
        sys.exit(FINISHED_WITH_GAPS)
