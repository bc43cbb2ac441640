"""The page of saved searches, and what they have found."""

from __future__ import annotations

from typing import Any

from archiver.app import Archive
from archiver.errors import counted
from archiver.web.state import SearchState


def saved_page(archive: Archive) -> dict[str, Any]:
    """What the page shows."""
    saved, head = archive.file.saved, archive.file.vault.head()
    waiting = saved.undelivered()
    return {
        "searches": [
            (search, SearchState(q=search.query, scope=search.scope).href(), saved.count_found(search),
             max(head - search.watermark, 0))
            for search in saved.all()
        ],
        "waiting": waiting[:_SHOWN],
        "waiting_count": len(waiting),
        "counted": counted,
    }  # fmt: skip


_SHOWN = 50  # alerts that could not be told
