"""`archiver verify`."""

from __future__ import annotations

import re
import sys

import click

from archiver.app import Archive
from archiver.archive import Finding
from archiver.cli import context as shared
from archiver.cli.terminal import safe
from archiver.errors import ConfigError, counted

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.command("verify")
@click.option("--head", metavar="SEQ:LINK", help="The head that an earlier verify printed, as you noted it.")
@click.option("--index/--no-index", "with_index", default=True, help="Also compare the index with the vault.")
@click.option("--repair", is_flag=True, help="Rebuild the index if it has a fault.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.verify/2.")
@click.pass_context
def command(context: click.Context, head: str | None, with_index: bool, repair: bool, as_json: bool) -> None:
    """Check that nothing in the archive was altered since it was written.

    Reads every entry and body of the vault, the recorded proofs of completeness, and the index; reports altered,
    removed, added and swapped rows. Exit code 9 if there are any. Note the head that it prints in another place and
    pass it to a later verify with --head: only that proves that nothing was cut off at the end.

    \b
    Examples:
      archiver verify
      archiver verify --repair
      archiver verify --head 1204:9f2c…
    """
    with shared.opened(context) as archive:
        findings = archive.verify(head=_noted(head), with_index=with_index)
        if repair and any(finding.where == "index" for finding in findings):
            findings = _repaired(archive, findings)
        seq, link = archive.file.vault.end()
    if as_json:
        shared.print_json({"schema": "archiver.verify/2", "head": f"{seq}:{link}", "findings": findings})
    else:
        _print(findings, seq, link)
    if findings:
        sys.exit(shared.FOUND_SOMETHING)


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    match = _HEAD.fullmatch(head)
    if not match:
        raise ConfigError(f"--head {head} is not a head", hint="Give it as an earlier verify printed it: SEQ:LINK")
    return int(match[1]), match[2]


def _repaired(archive: Archive, findings: list[Finding]) -> list[Finding]:
    """Rebuilds the index; the faults that remain."""
    for finding in findings:
        if finding.where == "index":
            click.echo(f"index: {safe(finding.message)}", err=True)
    click.echo("Repairing the index from the vault …", err=True)
    shared.show_refused(archive.repair_index().refused)
    return [finding for finding in findings if finding.where != "index"] + archive.verify_index()


def _print(findings: list[Finding], seq: int, link: str) -> None:
    for finding in findings:
        where = f"{finding.where} (entry {finding.seq})" if finding.seq is not None else finding.where
        click.echo(f"{where}: {safe(finding.message)}")
    click.echo(f"head {seq}:{link}")
    entries = counted(seq, "entry")
    found = f"{counted(len(findings), 'finding')} in {entries}." if findings else f"{entries}, nothing wrong."
    click.echo(found, err=True)
