"""`archiver verify`."""

from __future__ import annotations

import re
import sys

import click

from archiver.app import Archive
from archiver.archive import Finding
from archiver.cli import context as shared
from archiver.errors import ConfigError, counted
from archiver.visible import safe

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


@click.command("verify")
@click.option("--head", metavar="SEQ:LINK", help="The head that an earlier verify printed, as you noted it.")
@click.option("--index/--no-index", "with_index", default=True, help="Also compare the index with the vault.")
@click.option("--repair", is_flag=True, help="Put right what is not evidence, and the index.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.verify/2.")
@click.pass_context
def command(context: click.Context, head: str | None, with_index: bool, repair: bool, as_json: bool) -> None:
    """Check that nothing in the archive was altered since it was written.

    Reads every entry and body of the vault, the recorded proofs of completeness, and the index; reports altered,
    removed, added and swapped rows. Exit code 9 if there are any. Note the head that it prints in another place and
    pass it to a later verify with --head: only that proves that nothing was cut off at the end.

    With --repair it also puts right what is not evidence: rows that steer the harvest, foreign triggers, views and
    indices, rows that follow from the chain (current versions, the list of erasures, windows), and the index. It never
    touches entries and bodies. It prints what it found first, then the faults that remain.

    \b
    Examples:
      archiver verify
      archiver verify --repair
      archiver verify --head 1204:9f2c…
    """
    with shared.opened(context) as archive:
        findings = archive.verify(head=_noted(head), with_index=with_index)
        found = len(findings)
        if repair and findings and not any(finding.where == "file" for finding in findings):
            findings = _repaired(archive, findings, head=_noted(head), with_index=with_index)
        noted_head, count = archive.file.vault.noted_head(), archive.file.vault.head()
    if as_json:
        shared.print_json({"schema": "archiver.verify/2", "head": noted_head, "findings": findings})
    else:
        _print(findings, noted_head, count, repaired=found if repair else 0)
    if findings:
        sys.exit(shared.FOUND_SOMETHING)


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    match = _HEAD.fullmatch(head)
    if not match:
        raise ConfigError(f"--head {head} is not a head", hint="Give it as an earlier verify printed it: SEQ:LINK")
    return int(match[1]), match[2]


def _repaired(
    archive: Archive, findings: list[Finding], *, head: tuple[int, str] | None, with_index: bool
) -> list[Finding]:  # fmt: skip
    """Puts right what is not evidence, and rebuilds the index if it has a fault; the faults that remain."""
    for finding in findings:
        click.echo(_line(finding), err=True)
    if any(finding.where != "index" for finding in findings):
        click.echo(f"{counted(archive.repair(), 'row')} put right.", err=True)
    if any(finding.where == "index" for finding in findings):
        click.echo("Repairing the index from the vault …", err=True)
        shared.show_refused(archive.repair_index().refused)
    return archive.verify(head=head, with_index=with_index)


def _line(finding: Finding) -> str:
    where = f"{finding.where} (entry {finding.seq})" if finding.seq is not None else finding.where
    return f"{where}: {safe(finding.message)}"


def _print(findings: list[Finding], noted_head: str, count: int, *, repaired: int) -> None:
    for finding in findings:
        click.echo(_line(finding))
    click.echo(f"head {noted_head}")
    entries = counted(count, "entry")
    if findings:
        words = f"{counted(len(findings), 'finding')} in {entries}"
        click.echo(f"{words}{' after the repair' if repaired else ''}.", err=True)
    else:
        now = f" any more: {counted(repaired, 'finding')} put right" if repaired else ""
        click.echo(f"{entries}, nothing wrong{now}.", err=True)
