"""`archiver quarantine`."""

from __future__ import annotations

import sys

import click

from archiver.access import Action
from archiver.archive import QuarantinedRecord
from archiver.cli import context as shared
from archiver.errors import NotFound, counted
from archiver.visible import safe


@click.command("quarantine")
@click.argument("digest", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print archiver.quarantine/1.")
@click.pass_context
def command(context: click.Context, digest: str | None, as_json: bool) -> None:
    """List records of LivePerson that could not be read, or print one of them.

    Such a record has no readable id, or is no JSON. Its bytes are kept as LivePerson sent them; no search looks into
    them. With the beginning of a DIGEST from the list, its bytes go to standard output.

    \b
    Examples:
      archiver quarantine
      archiver quarantine 3f9c21 > record.json
    """
    with shared.opened(context) as archive:
        archive.audit(Action.VIEW, what="quarantine", digest=digest)
        records = list(archive.file.vault.quarantined())
    if digest is not None:
        sys.stdout.buffer.write(_named(records, digest).raw)
    elif as_json:
        shared.print_json({"schema": "archiver.quarantine/1", "records": [_as_json(record) for record in records]})
    else:
        for record in records:
            click.echo(f"{record.digest[:16]}  {record.fetched_at}  {len(record.raw):>9,} bytes  {safe(record.reason)}")
        click.echo(counted(len(records), "unreadable record"), err=True)


def _as_json(record: QuarantinedRecord) -> dict[str, object]:
    return {
        "digest": record.digest, "fetched_at": record.fetched_at, "bytes": len(record.raw), "reason": record.reason
    }  # fmt: skip


def _named(records: list[QuarantinedRecord], digest: str) -> QuarantinedRecord:
    found = [record for record in records if record.digest.startswith(digest.lower())]
    if len(found) != 1:
        what = "no record" if not found else "more than one record"
        raise NotFound(f"{what} in quarantine has the digest {digest}…", hint="List them: archiver quarantine")
    return found[0]
