"""`archiver status`."""

from __future__ import annotations

from typing import Any

import click

from archiver.archive import Archive
from archiver.cli import wiring
from archiver.cli.terminal import safe
from archiver.errors import StoreError
from archiver.index import Store
from archiver.jsontext import pretty
from archiver.transcript import iso


def _index(store: Store) -> dict[str, Any]:
    """What can be said of the index, which may be out of reach; the vault is what counts."""
    try:
        return {"applied": store.applied(), "conversations": store.count(), "refused": len(store.refused())}
    except StoreError as error:
        return {"applied": None, "conversations": None, "refused": None, "error": error.message}


def describe(archive: Archive, store: Store) -> dict[str, Any]:
    """`archiver.status/1`."""
    conversations, messages = archive.vault.totals()
    sealed = archive.ledger.sealed()
    return {
        "schema": "archiver.status/1",
        "account": archive.account,
        "archive": str(archive.folder),
        "vault": {
            "head": archive.vault.head(),
            "conversations": conversations,
            "messages": messages,
            "aside": archive.vault.count_aside(),
        },
        "index": _index(store),
        "ledger": {
            "sealed_windows": len(sealed),
            "sealed_from": iso(sealed[0].start) if sealed else None,
            "sealed_to": iso(max(window.end for window in sealed)) if sealed else None,
            "provisional_windows": archive.ledger.count_provisional(),
            "unproven": [
                {"start": iso(window.start), "end": iso(window.end), "reason": reason}
                for window, reason in archive.ledger.unproven()
            ],
            "watched": archive.ledger.count_watched(),
            "erasures_pending": archive.erasures.count_pending(),
            "last_harvest_at": iso(archive.ledger.last_finished()),
        },
    }


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print archiver.status/1.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Say what the archive holds and how far the index is.

    \b
    Examples:
      archiver status
      archiver status --json
    """
    with wiring.opened(wiring.settings(context)) as (archive, store):
        status = describe(archive, store)
    if as_json:
        click.echo(pretty(status))
        return
    vault, index, ledger = status["vault"], status["index"], status["ledger"]
    click.echo(f"Archive       {status['archive']} of account {status['account']}")
    held = f"{vault['conversations']:,} conversations, {vault['messages']:,} messages"
    click.echo(f"Vault         {held}, head {vault['head']:,}")
    if "error" in index:
        click.echo(f"Index         {safe(index['error'])}")
    else:
        refused = f", {index['refused']:,} refused (archiver store status)" if index["refused"] else ""
        click.echo(f"Index         {index['applied']:,} of {vault['head']:,} vault entries applied{refused}")
    click.echo(f"Last harvest  {ledger['last_harvest_at'] or 'never finished'}")
    young = f", {ledger['provisional_windows']:,} still young" if ledger["provisional_windows"] else ""
    click.echo(
        f"Complete      {ledger['sealed_windows']:,} windows proven{young}, {len(ledger['unproven']):,} not proven"
    )
    if ledger["erasures_pending"]:
        click.echo(
            f"To decide     {ledger['erasures_pending']:,} times LivePerson took something back: archiver erasures"
        )
    if vault["aside"]:
        click.echo(f"Set aside     {vault['aside']:,} unreadable records")
    for gap in ledger["unproven"]:
        click.echo(f"  {gap['start']} .. {gap['end']}: {gap['reason']}")
