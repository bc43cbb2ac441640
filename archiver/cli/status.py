"""`archiver status`."""

from __future__ import annotations

from typing import Any

import click

from archiver.cli import context as shared
from archiver.errors import counted
from archiver.outputs import status_json
from archiver.visible import safe


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.status/2.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show what the archive holds and how far the index is built.

    \b
    Examples:
      archiver status
      archiver status --json
    """
    with shared.opened(context) as archive:
        status = status_json(archive)
    if as_json:
        shared.print_json(status)
        return
    vault, index, ledger = status["vault"], status["index"], status["ledger"]
    click.echo(f"Archive       {safe(status['archive'])} of account {status['account']}")
    _print_vault(vault)
    _print_index(index, vault["head"])
    click.echo(f"Last harvest  {ledger['last_harvest_at'] or 'never finished'}")
    recent = f", {ledger['provisional_windows']:,} provisional" if ledger["provisional_windows"] else ""
    unproven = f"{len(ledger['unproven']):,} unproven"
    click.echo(f"Windows       {ledger['sealed_windows']:,} sealed (proven complete){recent}, {unproven}")
    if ledger["erasures_pending"]:
        pending = counted(ledger["erasures_pending"], "erasure")
        click.echo(f"To decide     {pending} by LivePerson to be approved or refused: archiver erasures")
    if vault["quarantined"]:
        click.echo(f"Quarantine    {counted(vault['quarantined'], 'unreadable record')} (archiver quarantine)")
    for gap in ledger["unproven"]:
        click.echo(f"  {gap['start']} .. {gap['end']}: {safe(gap['reason'] or '')}")


def _print_vault(vault: dict[str, Any]) -> None:
    held = f"{counted(vault['conversations'], 'conversation')}, {counted(vault['messages'], 'message')}"
    click.echo(f"Vault         {held}, head {vault['head']:,}")
    click.echo(f"head {vault['head_link']}")
    if vault["shallow"]:
        shallow = counted(vault["shallow"], "conversation")
        click.echo(f"Shallow       {shallow} without some SDEs, as a search returns them (archiver harvest)")


def _print_index(index: dict[str, Any], head: int) -> None:
    if "error" in index:
        click.echo(f"Index         {safe(index['error'])}")
        return
    refused = f", {index['refused']:,} refused (archiver store status)" if index["refused"] else ""
    click.echo(f"Index         {index['applied']:,} of {counted(head, 'vault entry')} applied{refused}")
    for fault in index["faults"]:
        click.echo(f"              {safe(fault)}")
