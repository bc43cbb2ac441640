"""`archiver.changes/1`: what changed since a sequence number."""

from __future__ import annotations

from typing import Any

from archiver.app import Archive
from archiver.errors import ConfigError


def changes_json(archive: Archive, since: int, limit: int) -> dict[str, Any]:
    """The entries about conversations after a sequence number, oldest first, at most so many. `next` is where to go on
    from, also if there is nothing new.
    """
    head = archive.file.vault.head()  # before the entries: what is made meanwhile must not be left out
    if since > archive.file.vault.head():
        hint = "Is it the number of another archive? Begin with since=0."
        raise ConfigError(f"the vault ends at entry {archive.file.vault.head()}, before {since}", hint=hint)
    entries = archive.file.vault.entries_after(since, limit)
    last = entries[-1][0] if entries else since
    return {
        "schema": "archiver.changes/1",
        "since": since,
        "items": [
            {"seq": seq, "conversation_id": id_, "at": fetched_at, "type": type_, "is_current": bool(is_current)}
            for seq, id_, fetched_at, type_, is_current in entries
        ],
        "next": last if len(entries) == limit else max(last, head),
        "head": max(last, head),
    }
