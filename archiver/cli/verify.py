"""`archiver verify`."""

from __future__ import annotations

import re
import sys

import click

from archiver.archive import Archive, Finding, verify_vault
from archiver.cli import wiring
from archiver.cli.doctor import FOUND_SOMETHING
from archiver.cli.terminal import safe
from archiver.errors import ConfigError
from archiver.index import Store, rebuild, verify_index
from archiver.jsontext import pretty
from archiver.progress import Progress

_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


@click.command("verify")
@click.option("--head", metavar="SEQ:LINK", help="A head that an earlier call printed and that was kept elsewhere.")
@click.option("--index/--no-index", "with_index", default=True, help="Compare the index with the vault, too.")
@click.option("--repair", is_flag=True, help="Build the index again if it is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.verify/1.")
@click.pass_context
def command(context: click.Context, head: str | None, with_index: bool, repair: bool, as_json: bool) -> None:
    """Check that the archive is what was written.

    Reads every entry and body of the vault, the ledger's claims, and what the index holds; finds changed, removed,
    added and swapped rows, and says all it finds. Exit code 9 if that is anything. Note the head that it prints in
    another place, and give it to a later call: only so the end of the chain is vouched for.

    \b
    Examples:
      archiver verify
      archiver verify --repair
      archiver verify --head 1204:9f2c…
    """
    noted = _noted(head)
    progress = wiring.show_progress(context)
    with wiring.opened(wiring.settings(context)) as (archive, store):
        found = list(verify_vault(archive, progress, head=noted))
        if with_index and not any(finding.where == "file" for finding in found):
            found += _index(archive, store, progress, repair=repair)
        seq, link = archive.vault.end()
    if as_json:
        click.echo(pretty({"schema": "archiver.verify/1", "head": f"{seq}:{link}", "findings": found}))
    else:
        _print(found, seq, link)
    if found:
        sys.exit(FOUND_SOMETHING)


def _noted(head: str | None) -> tuple[int, str] | None:
    if head is None:
        return None
    found = _HEAD.fullmatch(head)
    if not found:
        raise ConfigError(f"--head {head} is no head", hint="Give it as an earlier verify printed it: SEQ:LINK")
    return int(found[1]), found[2]


def _index(archive: Archive, store: Store, progress: Progress, *, repair: bool) -> list[Finding]:
    found = list(verify_index(archive, store, progress))
    if found and repair:
        for finding in found:
            click.echo(f"index: {safe(finding.words)}", err=True)
        click.echo("Building the index again from the vault …", err=True)
        wiring.show_refused(rebuild(archive, store, progress).refused)
        found = list(verify_index(archive, store, progress))
    return found


def _print(found: list[Finding], seq: int, link: str) -> None:
    for finding in found:
        where = f"{finding.where} (entry {finding.seq})" if finding.seq is not None else finding.where
        click.echo(f"{where}: {safe(finding.words)}")
    click.echo(f"head {seq}:{link}")
    click.echo(
        f"{len(found):,} findings in {seq:,} entries." if found else f"{seq:,} entries, nothing wrong.", err=True
    )
