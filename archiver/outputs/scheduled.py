"""`archiver.scheduled/1`: the scheduled exports."""

from __future__ import annotations

from typing import Any

from archiver.archive import ScheduledExport
from archiver.transcript import iso


def exports_json(exports: list[ScheduledExport]) -> dict[str, Any]:
    """Every scheduled export, as it is to be made next and was made last."""
    return {"schema": "archiver.scheduled/1", "items": [_item(export) for export in exports]}


def _item(export: ScheduledExport) -> dict[str, object]:
    return {
        "name": export.name, "query": export.query, "format": export.format, "destination": export.destination,
        "every_s": export.every.total_seconds(), "beat": iso(export.beat), "due_at": iso(export.due_at),
        "done_at": iso(export.done_at), "remark": export.remark,
    }  # fmt: skip
