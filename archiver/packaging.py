"""Writes a folder of conversations in a format: what every export into a folder does, by hand or by a schedule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from archiver import __version__
from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Record
from archiver.errors import ArchiveError
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
from archiver.progress import Progress
from archiver.query import Query, understood
from archiver.value import Value

FOLDER_FORMATS = ("csv", "html", "parquet", "rsmf", "vcon", "case")


class Wanted(Value):
    """What is to be written: a folder of a format, in place of one that exists if `is_replaced`. `reviews` are what its
    conversations were put together for.
    """

    path: Path
    format: str
    is_replaced: bool = False
    reviews: Reviews | None = None


class Written(Value):
    """What was written, and the SHA-256 of the manifest of a case package."""

    exported: Exported
    digest: str | None


def write_folder(
    archive: Archive, wanted: Wanted, query: Query, records: Iterable[Record], total: int | None, progress: Progress
) -> Written:  # fmt: skip
    """Writes records, which are what a query finds or what the reviews are about. Raises ConfigError, ArchiveError."""
    vault = archive.file.vault
    with written(wanted.path), archive.file.snapshot():
        folder = Folder(wanted.path, _key(archive, query, wanted), is_replaced=wanted.is_replaced)
        try:
            folder.open()
            writer = _writer(archive, query, wanted, folder)
            found = items(records, lambda record: read_version(vault, record).transcript)
            progress.start("export", total, "conversations")
            progress.advance(folder.done)
            done = export(found, writer, folder, advance=progress.advance)
        finally:
            progress.finish()
            folder.close()
    digest = writer.digest if isinstance(writer, CasePackage) else None
    archive.audit(Action.EXPORT, what="done", output=str(wanted.path), hits_total=done.count,
                  records_sha256=done.sha256, manifest_sha256=digest)  # fmt: skip
    return Written(done, digest)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Within the context, what the disk refuses is an ArchiveError about this path."""
    try:
        yield
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error}", hint="Check the disk and its permissions.") from error


def _key(archive: Archive, query: Query, wanted: Wanted) -> str:
    """Everything that decides what an export writes."""
    head, zone = archive.file.vault.noted_head(), str(archive.zone)
    reviews = wanted.reviews and wanted.reviews.content
    named = [wanted.format, understood(query.expression), query.text, head, zone, __version__, reviews]
    return hashlib.sha256(encode(named)).hexdigest()


def _writer(archive: Archive, query: Query, wanted: Wanted, folder: Folder) -> Writer:
    head, zone, vault = archive.file.vault.noted_head(), archive.zone, archive.file.vault
    marked = None if query.is_everything else query.expression
    pages = HtmlFolder(folder, HtmlPages(zone, marked, head))
    if wanted.format == "html":
        return pages
    if wanted.format != "case":
        return writer_of(wanted.format, folder, head)
    about, reviews = about_json(archive, query), wanted.reviews
    if reviews:
        about["question"].update(query=reviews.query, understood=reviews.words, results=reviews.count)
    return CasePackage(folder, pages, about, vault.evidence, reviews)
