"""Exports conversations into a folder, with progress, and says what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import click

from archiver import __version__
from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Record
from archiver.cli import context as shared
from archiver.cli.output import written
from archiver.errors import counted
from archiver.export import (
    CasePackage,
    Exported,
    Folder,
    HtmlFolder,
    HtmlPages,
    Reviews,
    Writer,
    export,
    items,
    writer_of,
)
from archiver.index import read_version
from archiver.jsontext import encode
from archiver.outputs import about_json
from archiver.query import Query, understood
from archiver.value import Value


class Wanted(Value):
    """What is to be written: a folder of a format, in place of one that exists if `is_replaced`."""

    path: Path
    format: str
    is_replaced: bool


def write_folder(
    context: click.Context, archive: Archive, wanted: Wanted, query: Query, records: Iterable[Record],
    total: int | None, reviews: Reviews | None = None,
) -> Exported:  # fmt: skip
    """Writes records, which are what a query finds or what `reviews` are about. Raises ConfigError, ArchiveError."""
    vault, progress = archive.file.vault, shared.progress(context)
    with written(wanted.path), archive.file.snapshot():
        folder = Folder(wanted.path, _key(archive, query, wanted.format, reviews), is_replaced=wanted.is_replaced)
        try:
            folder.open()
            writer = _writer(archive, query, wanted.format, folder, reviews)
            found = items(records, lambda record: read_version(vault, record).transcript)
            progress.start("export", total, "conversations")
            progress.advance(folder.done)
            done = export(found, writer, folder, advance=progress.advance)
        finally:
            progress.finish()
            folder.close()
    digest = writer.digest if isinstance(writer, CasePackage) else None
    archive.audit(Action.EXPORT, what="done", output=str(wanted.path), hits_total=done.count, manifest_sha256=digest)
    shared.show_quarantined(archive)
    click.echo(f"{counted(done.count, 'conversation')} written to {wanted.path}", err=True)
    if digest:
        click.echo(f"SHA-256 of the manifest: {digest}\nTell it in another way than the package goes.", err=True)
    return done


def _key(archive: Archive, query: Query, format_: str, reviews: Reviews | None) -> str:
    """Everything that decides what an export writes."""
    head, zone = archive.file.vault.noted_head(), str(archive.settings.zone)
    named = [format_, understood(query.expression), query.text, head, zone, __version__, reviews and reviews.content]
    return hashlib.sha256(encode(named)).hexdigest()


def _writer(archive: Archive, query: Query, format_: str, folder: Folder, reviews: Reviews | None) -> Writer:
    head, zone, vault = archive.file.vault.noted_head(), archive.settings.zone, archive.file.vault
    marked = None if query.is_everything else query.expression
    pages = HtmlFolder(folder, HtmlPages(zone, marked, head))
    if format_ == "html":
        return pages
    if format_ != "case":
        return writer_of(format_, folder, head)
    about = about_json(archive, query)
    if reviews:
        about["question"].update(query=reviews.query, understood=reviews.words, results=reviews.count)
    return CasePackage(folder, pages, about, vault.evidence, reviews)
