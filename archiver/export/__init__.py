"""Writes conversations and messages to files: one writer per format."""

from archiver.export.case_package import CasePackage
from archiver.export.changes import Feed
from archiver.export.exporter import Exported, Writer, export, writer_of
from archiver.export.folder import Folder
from archiver.export.html_pages import HtmlFolder, HtmlPages, page_around
from archiver.export.item import Item, items
from archiver.export.messages import MESSAGE_COLUMNS, message_lines, message_row
from archiver.export.ndjson import lines
from archiver.export.parquet import check_parquet
from archiver.export.reviews import Reviews
from archiver.export.singer import Asked, catalog, record_messages, schema_message, selected, seq_of, state_message
from archiver.export.spreadsheet import as_csv, csv_lines

__all__ = [
    "MESSAGE_COLUMNS",
    "Asked",
    "CasePackage",
    "Exported",
    "Feed",
    "Folder",
    "HtmlFolder",
    "HtmlPages",
    "Item",
    "Reviews",
    "Writer",
    "as_csv",
    "catalog",
    "check_parquet",
    "csv_lines",
    "export",
    "items",
    "lines",
    "message_lines",
    "message_row",
    "page_around",
    "record_messages",
    "schema_message",
    "selected",
    "seq_of",
    "state_message",
    "writer_of",
]
