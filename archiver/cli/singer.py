"""`archiver singer`, which is also the program `tap-archiver`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from archiver.access import Action
from archiver.cli import context as shared
from archiver.errors import ConfigError, counted, suggest
from archiver.export import Asked, Feed, catalog, record_messages, schema_message, selected, seq_of, state_message
from archiver.jsontext import decode, encode

_STATE_EVERY = 500  # changes
_SETTINGS = ("archive", "query")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("singer")
@click.option("--config", "config", type=_FILE, help="JSON: archive (the folder) and query, both optional.")
@click.option("--state", type=_FILE, help="JSON that an earlier run has written last: go on from there.")
@click.option("--catalog", "given", type=_FILE, help="JSON: which streams are wanted; without it, all.")
@click.option("--discover", is_flag=True, help="Print the catalog of streams.")
@click.pass_context
def command(
    context: click.Context, config: Path | None, state: Path | None, given: Path | None, discover: bool
) -> None:
    """Speak as a Singer tap, which Meltano and other loaders run as tap-archiver.

    The streams are conversations, messages and sdes, with the columns of CSV and Parquet (docs/export.md). A
    conversation that changed comes again, whole; the state is the vault entry where to go on.

    \b
    Examples:
      archiver singer --discover
      archiver singer --config config.json --state state.json | target-jsonl
      tap-archiver --config config.json --catalog catalog.json
    """
    if discover:
        shared.print_json(catalog())
        return
    settings = _checked(_read(config) or {})
    if "archive" in settings:
        context.find_root().obj["archive"] = settings["archive"]
    names = _streams(_read(given))
    with shared.opened(context) as archive:
        query = archive.parse(settings.get("query", ""))
        shared.show_advice(archive, query)
        asked = Asked(archive.file.id, query.text, tuple(names))
        since, head = _since(_read(state), asked), archive.file.vault.head()
        if since > head:
            raise ConfigError(f"the vault ends at entry {head}, before {since}", hint="Begin without --state.")
        archive.audit(Action.EXPORT, what="singer", query=query.text, since=since)
        feed = Feed(archive.file, None if query.is_everything else query.expression)
        count = _write(feed, asked, since, sys.stdout.buffer)
        shared.show_quarantined(archive)
    click.echo(f"{counted(count, 'change')} written", err=True)


def _streams(catalog: dict[str, Any] | None) -> list[str]:
    """The streams that a catalog selects. Raises ConfigError."""
    try:
        names = selected(catalog)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"the catalog can't be read: {error}", hint="Use that of --discover.") from None
    if not names:
        raise ConfigError("the catalog selects no stream", hint="Select one of them: archiver singer --discover")
    return names


def _since(state: dict[str, Any] | None, asked: Asked) -> int:
    try:
        return seq_of(state, asked)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"the state can't be used: {error}",
            hint="Begin without --state, or use the state of just this config and catalog.",
        ) from None


def _write(feed: Feed, asked: Asked, since: int, file: BinaryIO) -> int:
    """Writes schemas, rows and states; how many changes."""
    names = list(asked.streams)
    for name in names:
        _line(file, schema_message(name))
    count, head = 0, max(since, feed.archive.vault.head())
    for count, change in enumerate(feed.changes(since), 1):
        for message in record_messages(change, names):
            _line(file, message)
        head = max(head, change.seq)
        if count % _STATE_EVERY == 0:
            _line(file, state_message(change.seq, asked))
    _line(file, state_message(head, asked))
    file.flush()
    return count


def _line(file: BinaryIO, message: dict[str, Any]) -> None:
    file.write(encode(message).replace(b"\r", b"").replace(b"\n", b"") + b"\n")


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """The content of the config. Raises ConfigError for anything that would be ignored."""
    for name, value in settings.items():
        if name not in _SETTINGS:
            raise ConfigError(f"the config has no {name!r}", hint=suggest(name, _SETTINGS, what="Members"))
        if not isinstance(value, str):
            raise ConfigError(f"{name} of the config is no text", hint='Such as {"archive": "/data/brand"}.')
    return settings


def _read(path: Path | None) -> dict[str, Any] | None:
    """A file's JSON object; None without a file. Raises ConfigError."""
    if path is None:
        return None
    try:
        found = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} can't be read: {error}", hint="It has to be JSON.") from None
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is no JSON object", hint="Look at docs/export.md.")
    return found
