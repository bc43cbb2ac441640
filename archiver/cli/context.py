"""Shared by all commands: the archive of their settings, and how progress, refusals and notices are shown."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from textwrap import indent
from typing import Any

import click

from archiver import config
from archiver.access import Origin, View
from archiver.app import Archive
from archiver.config import Settings
from archiver.errors import ConfigError, StoreError, counted
from archiver.index import Assurance, Refusal
from archiver.jsontext import pretty
from archiver.logs import EventLogger
from archiver.progress import Progress, Silent, choose
from archiver.query import Query
from archiver.visible import safe

FINISHED_WITH_GAPS, FOUND_SOMETHING = 3, 9  # exit codes of commands that finished, and report incomplete or wrong data
_SHOWN_REFUSALS = 20
_log = EventLogger("cli")


def print_json(value: object) -> None:
    """Prints a document for programs on standard output: in UTF-8, whatever the encoding of the terminal or pipe."""
    click.echo(pretty(value).encode())


def print_json_around(before: Mapping[str, Any], name: str, items: Iterable[Any], after: Callable[[], Any]) -> None:
    """The same for a document with one long list, of which one item at a time is in memory. `after` gives the members
    that are known once the list was written.
    """
    click.echo(pretty(before).removesuffix("\n}").encode() + f',\n  "{name}": ['.encode(), nl=False)
    separator = "\n"
    for item in items:
        click.echo(f"{separator}{indent(pretty(item), '    ')}".encode(), nl=False)
        separator = ",\n"
    end = "]" if separator == "\n" else "\n  ]"
    click.echo(f"{end},\n{pretty(after()).removeprefix('{').lstrip(chr(10))}".encode())


def print_lines(lines: Iterable[str]) -> None:
    """Prints lines; on a terminal that they do not fit, through the pager."""
    made = list(lines)
    if sys.stdout.isatty() and sum(line.count("\n") + 1 for line in made) >= shutil.get_terminal_size().lines:
        click.echo_via_pager(f"{line}\n" for line in made)
        return
    for line in made:
        click.echo(line)


def now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def settings(context: click.Context) -> Settings:
    """The settings of this command line. Raises ConfigError."""
    options = context.find_root().obj
    found = config.find_settings(_given(context), config=options["config_file"], profile=options["profile"])
    for notice in found.notices:
        _log.warning("variable.unknown", notice)
    return found


def settings_of_profiles(context: click.Context) -> list[Settings]:
    """The settings of this command line for each profile of the settings files. Raises ConfigError."""
    path = context.find_root().obj["config_file"]
    names = config.profiles(*config.settings_files(path))
    if not names:
        raise ConfigError("there are no profiles", hint="Write [profiles.NAME] and its settings into archiver.toml.")
    return [config.find_settings(_given(context), config=path, profile=name) for name in names]


def _given(context: click.Context) -> dict[str, str | None]:
    """The settings among the options of the root command."""
    options = context.find_root().obj
    return {key: value for key, value in options.items() if key in config.OPTIONS}


def archive(context: click.Context) -> Archive:
    """The archive of this command line's settings. Raises ConfigError."""
    made = Archive(settings(context), progress=progress(context))
    made.view = View(Origin("cli"))
    return made


@contextmanager
def opened(context: click.Context) -> Iterator[Archive]:
    """The archive of this command line's settings, closed at the end. Raises ConfigError."""
    with archive(context) as opened_archive:
        yield opened_archive


def progress(context: click.Context) -> Progress:
    """How to show the progress of long work: not at all if the log is JSON."""
    options = context.find_root().obj
    return Silent() if logs_json(context) else choose(options["progress"] or "auto")


def logs_json(context: click.Context) -> bool:
    """Whether the log is JSON lines: then standard error holds nothing else."""
    return bool(context.find_root().obj["log_format"] == "json")


def say(context: click.Context, text: str) -> None:
    """Prints a line for people on standard error; the log's events say the same to programs."""
    if not logs_json(context):
        click.echo(text, err=True)


def show_quarantined(archive: Archive) -> None:
    """Names on standard error what no search finds and no export holds, because it has no id."""
    if count := archive.file.vault.count_quarantined():
        click.echo(f"{counted(count, 'record')} without a readable id are in no export: archiver quarantine", err=True)


def show_head(context: click.Context, archive: Archive) -> None:
    """Prints the vault's head on standard error, and logs it: in a log that is kept elsewhere it is a proof."""
    head = archive.file.vault.noted_head()
    say(context, f"head {head}")
    _log.info("archive.head", f"the vault's head is {head}", head=head)


def show_refused(refused: Sequence[Refusal]) -> None:
    """Prints to standard error what the index lacks, and why: the first ones, then how many more."""
    for refusal in refused[:_SHOWN_REFUSALS]:
        where = f"conversation {refusal.conversation_id} (vault entry {refusal.seq})"
        click.echo(f"Not indexed: {safe(where)}: {safe(refusal.reason)}", err=True)
    if refused:
        kept = f"{counted(len(refused), 'conversation')} kept, but not (wholly) indexed"
        click.echo(f"{kept}: archiver reindex --refused", err=True)


def show_worth(worth: Assurance, total: int) -> None:
    """Prints to standard error what an answer with so many results is worth."""
    for sentence in worth.sentences(total):
        click.echo(sentence, err=True)


def show_advice(archive: Archive, query: Query) -> None:
    """Prints to standard error what a reader has to know about a query that is kept, or asked of the vault: the index
    tells which values there are, if it answers.
    """
    try:
        show_notices(query.notices if query.is_everything else archive.search(query, limit=0).notices)
    except StoreError:
        show_notices(query.notices)


def show_notices(notices: Sequence[str]) -> None:
    """Prints to standard error what a reader has to know about an answer."""
    for notice in notices:
        click.echo(f"Note: {safe(notice)}", err=True)
