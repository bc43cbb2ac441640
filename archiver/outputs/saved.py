"""`archiver.saved/1`: the saved searches."""

from __future__ import annotations

from typing import Any

from archiver.access import Right
from archiver.app import Archive
from archiver.archive import SavedSearch


def searches_json(archive: Archive) -> dict[str, Any]:
    """Every saved search with how much it has found, without its secret."""
    saved, may_see = archive.file.saved, archive.view.person.may(Right.ADMINISTER)
    items = [_item(search, saved.count_found(search), search.place if may_see else "") for search in saved.all()]
    return {"schema": "archiver.saved/1", "items": items}


def _item(search: SavedSearch, count: int, place: str) -> dict[str, object]:
    """An address of a webhook may let in whoever knows it, so that only those who administer see it."""
    return {
        "name": search.name, "query": search.query, "scope": search.scope, "target": search.target.value,
        "place": place, "with_text": search.with_text, "version": search.version, "watermark": search.watermark,
        "found": count, "disabled": search.disabled,
    }  # fmt: skip
