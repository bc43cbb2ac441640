"""Shows how an export into a folder goes on, and what was written."""

from __future__ import annotations

from collections.abc import Iterable

import click

from archiver.app import Archive
from archiver.archive import Record
from archiver.cli import context as shared
from archiver.errors import counted
from archiver.export import Exported
from archiver.packaging import Wanted, write_folder
from archiver.query import Query


def show_folder(
    context: click.Context, archive: Archive, wanted: Wanted, query: Query, records: Iterable[Record], total: int | None
) -> Exported:  # fmt: skip
    """Writes it, with progress. Raises ConfigError, ArchiveError."""
    done = write_folder(archive, wanted, query, records, total, shared.progress(context))
    shared.show_quarantined(archive)
    click.echo(f"{counted(done.exported.count, 'conversation')} written to {wanted.path}", err=True)
    if done.digest:
        click.echo(f"SHA-256 of the manifest: {done.digest}\nTell it in another way than the package goes.", err=True)
    return done.exported
