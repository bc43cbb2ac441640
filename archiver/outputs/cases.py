"""`archiver.cases/1` and `archiver.review/1`: cases, which conversations they hold, and what reviewers say."""

from __future__ import annotations

from typing import Any

from archiver.app import Archive
from archiver.archive import Case, CaseItem, Status
from archiver.casework import Estimate, cases_of, items_of
from archiver.value import as_dict


def case_json(case: Case, items: list[CaseItem], estimate: Estimate | None) -> dict[str, Any]:
    """A case with these conversations of it, how many of them were reviewed, and what a sample says of all."""
    return {
        "schema": "archiver.review/1",
        **as_dict(case),
        "counts": counts_of(items),
        "estimate": as_dict(estimate) if estimate else None,
        "items": [as_dict(item) for item in items],
    }


def cases_json(archive: Archive) -> dict[str, Any]:
    """All cases with how many conversations of each whoever asks may see, and how far they are reviewed."""
    return {
        "schema": "archiver.cases/1",
        "items": [{**as_dict(case), "counts": counts_of(items_of(archive, case))} for case in cases_of(archive)],
    }


def counts_of(items: list[CaseItem]) -> dict[str, int]:
    """How many conversations there are, how many nobody has read, and how many have each status."""
    by_status = {status.value: sum(item.status is status for item in items) for status in Status}
    return {"all": len(items), "unread": sum(item.read_at is None for item in items), **by_status}
