"""Builds what a command needs from its settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from archiver import config, progress
from archiver.archive import Archive, is_archive, make_archive, open_archive
from archiver.cli.terminal import safe
from archiver.config import Settings
from archiver.errors import ConfigError, StoreBusy, StoreDenied, StoreError
from archiver.index import Refusal, Store, catch_up, open_store
from archiver.progress import Progress

if TYPE_CHECKING:
    from archiver.liveperson import Client

_SHOWN_REFUSALS = 20
T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


def settings(context: click.Context) -> Settings:
    """The settings of this call. Raises ConfigError."""
    options = context.find_root().obj
    return config.load(options, os.environ, *_files(options), options["profile"])


def settings_of_profiles(context: click.Context) -> list[Settings]:
    """The settings of this call for each profile that there is. Raises ConfigError."""
    options = context.find_root().obj
    explicit, usual = _files(options)
    names = config.profiles(explicit, usual)
    if not names:
        raise ConfigError("there are no profiles", hint="Write [profiles.NAME] and its settings into archiver.toml.")
    return [config.load(options, os.environ, explicit, usual, name) for name in names]


def _files(options: Mapping[str, str | None]) -> tuple[Path | None, list[Path]]:
    import platformdirs

    explicit = options["config_file"]
    usual = [] if explicit else [Path("archiver.toml")]
    usual += [Path(platformdirs.user_config_dir("archiver")) / "archiver.toml", Path("/etc/archiver/config.toml")]
    return Path(explicit) if explicit else None, usual


def show_progress(context: click.Context) -> progress.Progress:
    options = context.find_root().obj
    if options["log_format"] == "json":
        from archiver.logs import Records

        return Records(sys.stderr)
    return progress.choose(options["progress"] or "auto")


@contextmanager
def opened(chosen: Settings, *, or_make: bool = False) -> Iterator[tuple[Archive, Store]]:
    """The archive of the settings with its store. It must exist, or with `or_make` have an account to be made for."""
    account = chosen.all["account"].value
    named = account if isinstance(account, str) else None
    if or_make and not is_archive(chosen.archive):
        make_archive(chosen.archive, chosen.account).close()
    with open_archive(chosen.archive, account=named, policies=chosen.policies) as archive:
        store = open_store(chosen.store, folder=archive.folder, archive_id=archive.id, notify=_say)
        try:
            yield archive, store
        finally:
            store.close()


def _say(words: str) -> None:
    click.echo(safe(words), err=True)


@contextmanager
def opened_up_to_date(context: click.Context) -> Iterator[tuple[Archive, Store]]:
    """The same, after applying what a stopped harvest left unapplied."""
    with opened(settings(context)) as (archive, store):
        try:
            applied = catch_up(archive, store, show_progress(context))
            show_refused(applied.refused)
        except (StoreBusy, StoreDenied) as error:
            behind = archive.vault.head() - store.applied()
            click.echo(f"{behind} vault entries are not searchable yet: {error.message}", err=True)
        yield archive, store


def contact_center(
    chosen: Settings, progress: Progress, *, tries: int | None = None, on_answer: Callable[[str], None] | None = None
) -> Client:
    """The account of the settings. `on_answer` is told the status of every answer. Raises ConfigError."""
    from archiver.liveperson import Patience, account_of, connect

    patience = Patience(notify=progress.say)
    return connect(account_of(chosen), patience=replace(patience, tries=tries or patience.tries), on_answer=on_answer)


def bring(chosen: Settings, progress: Progress, work: Callable[[Client, Archive], T]) -> T:
    """Work that brings conversations into the archive of the settings, and the index brought up to date behind it."""
    with closing(contact_center(chosen, progress)) as source:
        if not is_archive(chosen.archive):
            source.prove_access(now())  # a mistyped account must not become an archive's owner
        with make_archive(chosen.archive, chosen.account, policies=chosen.policies) as archive:
            with closing(index_of(chosen, archive, progress)) as store:
                done = work(source, archive)
                _index(archive, store, progress)
            return done


def index_of(chosen: Settings, archive: Archive, progress: Progress) -> Store:
    """The index of the settings. Raises StoreError, ConfigError."""
    return open_store(chosen.store, folder=archive.folder, archive_id=archive.id, notify=progress.say)


def _index(archive: Archive, store: Store, progress: Progress) -> None:
    try:
        show_refused(catch_up(archive, store, progress).refused)
    except StoreError as error:
        error.hint = f"All conversations are kept. {error.hint or ''} Then: archiver reindex".replace("  ", " ")
        raise


def show_refused(refused: Sequence[Refusal]) -> None:
    """On stderr: what the index lacks, and why."""
    for refusal in refused[:_SHOWN_REFUSALS]:
        where = f"conversation {refusal.conversation_id} (vault entry {refusal.seq})"
        click.echo(f"Not indexed: {safe(where)}: {safe(refusal.reason)}", err=True)
    if refused:
        click.echo(
            f"{len(refused):,} conversations are kept but not (wholly) indexed: archiver reindex --refused", err=True
        )


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
