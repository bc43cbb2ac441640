"""`archiver export`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import click

from archiver.access import Action
from archiver.app import Archive
from archiver.cli import context as shared
from archiver.cli.changes import show_changes
from archiver.cli.folders import show_folder
from archiver.cli.output import output
from archiver.cli.query import QueryCommand
from archiver.errors import counted
from archiver.export import MESSAGE_COLUMNS, csv_lines, lines, message_lines, message_row
from archiver.index import Hit, Refusal, read_version
from archiver.packaging import FOLDER_FORMATS, Wanted
from archiver.progress import Progress
from archiver.query import Query, Scope
from archiver.visible import safe


@click.command("export", cls=QueryCommand)
@click.argument("query", nargs=-1)
@click.option(
    "--format", "format_", type=click.Choice(["ndjson", *FOLDER_FORMATS]), default="ndjson", show_default=True,
    help="A file of NDJSON, or a folder of another format.",
)  # fmt: skip
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default="conversation",
    help="What a line is; of messages, the whole query must match within one.",
)
@click.option("--output", "name", required=True, metavar="FILE|FOLDER|-", help="What to write; - is standard output.")
@click.option("--force", is_flag=True, help="Replace the file or folder if it exists.")
@click.option(
    "--changes-since", "since", type=click.IntRange(0), metavar="SEQ",
    help="What changed after a vault entry, as archiver.change/1 a line: new, changed, masked, erased, vanished.",
)  # fmt: skip
@click.option("--follow", "is_following", is_flag=True, help="With --changes-since and --output -: go on until Ctrl-C.")
@click.option(
    "--raw",
    is_flag=True,
    help="With ndjson, add each record as LivePerson returned it, as raw; as raw_base64 if it is not valid JSON.",
)
@click.pass_context
def command(
    context: click.Context, query: tuple[str, ...], format_: str, scope: str, name: str, force: bool,
    since: int | None, is_following: bool, raw: bool,
) -> None:  # fmt: skip
    """Write conversations or messages to files: NDJSON, CSV, HTML, Parquet, RSMF, vCon, or a case package.

    Everything in the archive, or what matches a query. The file or folder gets its name only when it is complete; one
    that exists is replaced only with --force. An export into a folder that was ended goes on when the same command is
    run again, and a second one gives the same bytes. A record that can't be read as a conversation is written with its
    bytes and named on standard error, and the exit code is 3.

    ndjson is one archiver.transcript/1 a line; with --scope message one archiver.message/1 for each message that
    matches, or CSV. csv: conversations, messages and SDEs for a spreadsheet. html: a page for each conversation, to be
    printed. parquet: typed tables by month (pip install pyarrow). rsmf: RSMF 2.0 for Relativity, Reveal.
    vcon: the IETF's container. case: pages, tables, the exact records, a manifest and a program that checks them
    anywhere. docs/export.md describes each. --changes-since is a feed for programs that follow the archive: the seq of
    the last line is where to go on.

    \b
    Examples:
      archiver export --output everything.ndjson
      archiver export 'refund after:2026-01' --output - | jq .conversation_id
      archiver export 'refund from:agent' --scope message --output promises.ndjson
      archiver export 'customer:C1042' --raw --output case.ndjson
      archiver export 'lawyer' --format case --output case-2026-17
      archiver export 'skill:Billing' --changes-since 0 --follow --output -
    """
    if since is not None or is_following:
        if format_ != "ndjson" or scope != Scope.CONVERSATION or raw or since is None:
            raise click.UsageError(
                "--changes-since SEQ, which --follow needs, is NDJSON of whole conversations: leave out --format,"
                " --scope and --raw."
            )
        show_changes(context, " ".join(query), name, since, is_following=is_following, is_replaced=force)
        return
    if format_ in FOLDER_FORMATS and not (format_ == "csv" and scope == Scope.MESSAGE):
        _check_folder(scope, name, raw=raw)
        _into_folder(context, " ".join(query), Wanted(Path(name), format_, force))
        return
    if raw and scope == Scope.MESSAGE:
        raise click.UsageError("--raw adds whole records: export conversations, without --scope message.")
    with shared.opened(context) as archive:
        parsed = archive.parse(" ".join(query))
        found = _found(archive, parsed, format_, scope, raw=raw)
        shared.show_notices(found.notices)
        archive.audit(
            Action.EXPORT, query=parsed.text, scope=scope, format=format_, output=name, hits_total=found.total
        )  # fmt: skip
        with output(name, is_replaced=force) as file:
            count = _write(found.lines(), file, shared.progress(context), found.total, Scope(scope))
        refused = archive.refused() if found.is_searched else ()
        shared.show_quarantined(archive)
        shared.show_head(context, archive)
    click.echo(f"{counted(count, scope)} written", err=True)
    _show_left_out(found.unreadable, refused, found.doubts)


def _check_folder(scope: str, name: str, *, raw: bool) -> None:
    if scope == Scope.MESSAGE:
        raise click.UsageError("This format holds whole conversations: leave out --scope message.")
    if raw:
        raise click.UsageError("--raw is for ndjson; --format case holds the exact records.")
    if name == "-":
        raise click.UsageError("This format is a folder: name one with --output.")


def _into_folder(context: click.Context, text: str, wanted: Wanted) -> None:
    with shared.opened(context) as archive:
        parsed = archive.parse(text)
        search = None if parsed.is_everything else archive.search(parsed, limit=0)  # brings the index up to date
        shared.show_notices(search.notices if search else parsed.notices)
        total = search.total if search else archive.file.vault.conversations()
        archive.audit(Action.EXPORT, query=text, scope="conversation", format=wanted.format, output=str(wanted.path),
                      hits_total=total)  # fmt: skip
        done = show_folder(context, archive, wanted, parsed, archive.records_by_start(parsed), total)
        refused = () if parsed.is_everything else archive.refused()
        shared.show_head(context, archive)
    _show_left_out([f"Not readable, in unreadable.ndjson: {safe(id_)}" for id_ in done.unreadable], refused,
                   search.doubts if search else ())  # fmt: skip


def _write(content: Iterable[bytes], file: BinaryIO, progress: Progress, total: int | None, scope: Scope) -> int:
    count = 0
    progress.start("export", total, f"{scope}s")
    try:
        for line in content:
            file.write(line)
            count += 1
            progress.advance()
    finally:
        progress.finish()
    return count


class _Conversations:
    """The lines of conversations. `unreadable` tells, once they are written, which were written as bytes."""

    def __init__(self, archive: Archive, query: Query, *, with_raw: bool) -> None:
        self._archive, self._with_raw = archive, with_raw
        self.is_searched = not query.is_everything
        search = archive.search(query, limit=0) if self.is_searched else None
        self.notices, self.doubts = (search.notices, search.doubts) if search else (query.notices, ())
        self._records = archive.records(query)
        self.total = None if self.is_searched else archive.file.vault.conversations()
        self.unreadable: list[str] = []

    def lines(self) -> Iterator[bytes]:
        vault = self._archive.file.vault
        return lines(
            self._records,
            with_raw=self._with_raw,
            note_unreadable=lambda record, error: self.unreadable.append(
                f"Written as archiver.unreadable/1: conversation {safe(record.conversation_id)}"
            ),
            read=lambda record: read_version(vault, record).transcript,
        )


class _Messages:
    """The lines of messages. `unreadable` tells, once they are written, which could not be."""

    is_searched = True

    def __init__(self, archive: Archive, query: Query, *, as_rows: bool) -> None:
        self._search = archive.search(query, scope="message", sort="oldest")
        self.total, self.notices, self.doubts = self._search.total, self._search.notices, self._search.doubts
        self._as_rows = as_rows
        self.unreadable: list[str] = []

    def lines(self) -> Iterator[bytes]:
        if not self._as_rows:
            yield from message_lines(self._search, note_unreadable=self._note)
            return
        header = f"\ufeff{csv_lines([MESSAGE_COLUMNS])}".encode()
        for hit in self._search:
            row = message_row(hit)
            if row is None:
                self._note(hit)
                continue
            yield header + csv_lines([row]).encode("utf-8", "replace")
            header = b""
        if header:
            yield header

    def _note(self, hit: Hit) -> None:
        of = f"message {hit.message_id} of conversation {hit.transcript.id}"
        self.unreadable.append(f"Not written: {safe(of)}: {safe(hit.fault or 'it is not there any more')}")


def _found(archive: Archive, query: Query, format_: str, scope: str, *, raw: bool) -> _Conversations | _Messages:
    if scope == Scope.MESSAGE:
        return _Messages(archive, query, as_rows=format_ == "csv")
    return _Conversations(archive, query, with_raw=raw)


def _show_left_out(unreadable: Sequence[str], refused: Sequence[Refusal], doubts: Sequence[str]) -> None:
    """Names what is not in the file as it should be, and what no query finds. Exits with 3 if there is any, or if an
    index that is behind may not have found all.
    """
    for line in unreadable:
        click.echo(line, err=True)
    shared.show_refused(refused)
    if unreadable or refused or doubts:
        sys.exit(shared.FINISHED_WITH_GAPS)
