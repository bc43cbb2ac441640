"""`archiver.status/2`: what an archive holds and how far its index is built."""

from __future__ import annotations

from typing import Any

from archiver.app import Archive
from archiver.errors import StoreError
from archiver.transcript import iso


def _index(archive: Archive) -> dict[str, Any]:
    """The index may be out of reach; the vault's numbers are shown anyway."""
    try:
        status = archive.index_status()
        refused = None if status.faults else len(archive.store.refused())
        counts = {"applied": status.applied, "conversations": status.conversations, "refused": refused}
        return {**counts, "faults": status.faults}
    except StoreError as error:
        return {"applied": None, "conversations": None, "refused": None, "faults": (), "error": error.message}


def status_json(archive: Archive) -> dict[str, Any]:
    """`archiver.status/2`."""
    vault, ledger = archive.file.vault, archive.file.ledger
    conversations, messages = vault.totals()
    sealed = ledger.sealed()
    return {
        "schema": "archiver.status/2",
        "account": archive.file.account,
        "archive": str(archive.file.folder),
        "vault": {
            "head": vault.head(),
            "head_link": vault.noted_head(),
            "conversations": conversations,
            "messages": messages,
            "shallow": vault.count_shallow(),
            "quarantined": vault.count_quarantined(),
        },
        "index": _index(archive),
        "ledger": {
            "sealed_windows": len(sealed),
            "sealed_from": iso(sealed[0].start) if sealed else None,
            "sealed_to": iso(max(window.end for window in sealed)) if sealed else None,
            "provisional_windows": ledger.count_provisional(),
            "unproven": [
                {"start": iso(window.start), "end": iso(window.end), "reason": reason}
                for window, reason in ledger.unproven()
            ],
            "watched": ledger.count_watched(),
            "erasures_pending": archive.file.erasures.count_pending(),
            "last_harvest_at": iso(ledger.last_finished()),
        },
    }
