"""The feed of changes of `archiver export --changes-since`."""

from __future__ import annotations

import signal
import threading
from typing import BinaryIO

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.follow import ended_by
from archiver.cli.output import output
from archiver.errors import ConfigError, counted
from archiver.export import Feed
from archiver.jsontext import encode

_POLL_S = 0.5


def show_changes(
    context: click.Context, text: str, name: str, since: int, *, is_following: bool, is_replaced: bool
) -> None:  # fmt: skip
    """Writes what changed after a vault entry; goes on until a signal ends it, if asked to. Raises ConfigError."""
    if is_following and name != "-":
        raise ConfigError("a feed that goes on has no complete file", hint="Write it to standard output: --output -")
    with shared.opened(context) as archive:
        query = archive.parse(text)
        shared.show_advice(archive, query)
        feed = Feed(archive.file, None if query.is_everything else query.expression)
        if since > archive.file.vault.head():
            hint = "Is this the seq of another archive? To begin: --changes-since 0."
            raise ConfigError(f"the vault ends at entry {archive.file.vault.head()}, before {since}", hint=hint)
        archive.audit(Action.EXPORT, what="changes", query=text, since=since, output=name)
        with output(name, is_replaced=is_replaced) as file:
            if is_following:
                count = _follow(archive, feed, file, since)
            else:
                count, _ = _write(feed, file, since)
        click.echo(f"{counted(count, 'change')} written; the vault ends at {archive.file.vault.head()}", err=True)


def _write(feed: Feed, file: BinaryIO, since: int) -> tuple[int, int]:
    """How many changes were written, and the vault entry up to which nothing is left."""
    count, head = 0, max(since, feed.archive.vault.head())
    for change in feed.since(since):
        file.write(encode(change).replace(b"\r", b"").replace(b"\n", b"") + b"\n")
        count, head = count + 1, max(head, change["seq"])
    file.flush()
    return count, head


def _follow(archive: Archive, feed: Feed, file: BinaryIO, since: int) -> int:
    stop, count = threading.Event(), 0
    with ended_by(stop, signal.SIGINT, signal.SIGTERM):
        while not stop.is_set():
            if archive.file.vault.head() > since:
                written, since = _write(feed, file, since)
                count += written
            stop.wait(_POLL_S)
    return count
