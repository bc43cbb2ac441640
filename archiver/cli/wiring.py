"""Builds what a command needs from its settings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from archiver import config, progress
from archiver.archive import Archive, open_archive
from archiver.catchup import catch_up
from archiver.config import Settings
from archiver.errors import ConfigError, StoreBusy
from archiver.stores import Store, open_store


def now() -> datetime:
    return datetime.now(UTC)


def settings(context: click.Context) -> Settings:
    """The settings of this call. Raises ConfigError."""
    import platformdirs

    options = dict(context.find_root().obj)
    explicit = options.pop("config_file", None)
    usual = [] if explicit else [Path("archiver.toml")]
    usual += [Path(platformdirs.user_config_dir("archiver")) / "archiver.toml", Path("/etc/archiver/config.toml")]
    return config.load(options, os.environ, Path(explicit) if explicit else None, usual)


def show_progress(context: click.Context) -> progress.Progress:
    return progress.choose(context.find_root().obj["progress"] or "auto")


@contextmanager
def opened(chosen: Settings) -> Iterator[tuple[Archive, Store]]:
    """The archive of the settings, which must exist, with its store."""
    account = chosen.all["account"].value
    with open_archive(chosen.archive, account=account if isinstance(account, str) else None) as archive:
        store = open_store(chosen.store, folder=archive.folder, archive_id=archive.id)
        try:
            yield archive, store
        finally:
            store.close()


@contextmanager
def opened_up_to_date(context: click.Context) -> Iterator[tuple[Archive, Store]]:
    """The same, after applying what a stopped harvest left unapplied."""
    with opened(settings(context)) as (archive, store):
        try:
            catch_up(archive, store, show_progress(context))
        except StoreBusy:
            behind = archive.vault.head() - store.applied()
            click.echo(f"Another process is indexing; {behind} vault entries are not searchable yet.", err=True)
        yield archive, store


def moment(text: str | None, at: datetime, *, is_end: bool) -> datetime | None:
    """A date of the command line: its first moment, or for an end the moment after it. Raises ConfigError."""
    from archiver.dates import parse_span

    if text is None:
        return None
    try:
        span = parse_span(text, at)
    except ValueError as error:
        raise ConfigError(str(error)) from None
    return span.end if is_end else span.start


Command = Callable[..., None]
