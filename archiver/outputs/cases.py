"""`archiver.review/1`: cases, which conversations they hold, and what the reviews say."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

from archiver.app import Archive
from archiver.archive import Case, CaseItem, Part, Status
from archiver.errors import ConfigError
from archiver.index import found_ids
from archiver.sampling import drawn, sample_size, share_interval
from archiver.value import as_dict, replace

_CONFIDENCE = 0.95  # of what a reviewed sample says about all


def new_case(
    archive: Archive, case: Case, *, size: int | None, confidence: float, margin: float | None, from_null: bool
) -> tuple[Case, list[str], Part]:  # fmt: skip
    """The case as it is to be made, with its conversations: all that the query finds, or a sample of them or of those
    that it does not find. Without a query a sample is drawn from everything, and a case without one is empty. `size` is
    that of the sample; else it follows from confidence and margin. Raises ConfigError, QueryError.
    """
    is_sampled = size is not None or margin is not None
    if from_null and not (is_sampled and case.query):
        raise ConfigError("--null draws a sample of what a query does not find", hint="Add a query, and --margin 5.")
    if not is_sampled:
        return case, list(_found(archive, case.query)) if case.query else [], Part.HIT
    hits = set(_found(archive, case.query))
    population = set(_found(archive, "")) - hits if from_null else hits
    wanted = size if size is not None else sample_size(len(population), confidence, margin or 1)
    made = replace(case, population=len(population))
    return made, drawn(population, wanted, case.seed), Part.NULL_SAMPLE if from_null else Part.SAMPLE


def _found(archive: Archive, query: str) -> Iterator[str]:
    return found_ids(archive.store, archive.search(query, limit=0).request.query)


def brought_up_to_date(archive: Archive, case: Case) -> int:
    """Adds to a case that follows its query what matches now; how many conversations."""
    if not case.follows:
        return 0
    return archive.file.cases.add(case, _found(archive, case.query), Part.LATER)


def case_json(case: Case, items: list[CaseItem]) -> dict[str, Any]:
    """A case with these conversations of it, how many were reviewed, and what a sample says of all."""
    return {
        "schema": "archiver.review/1",
        **as_dict(case),
        "counts": counts_of(items),
        "estimate": estimate_of(case, items),
        "items": [as_dict(item) for item in items],
    }


def counts_of(items: list[CaseItem]) -> dict[str, int]:
    """How many conversations there are, how many nobody has read, and how many have each status."""
    by_status = {status.value: sum(item.status is status for item in items) for status in Status}
    return {"all": len(items), "unread": sum(item.read_at is None for item in items), **by_status}


def estimate_of(case: Case, items: list[CaseItem]) -> dict[str, Any] | None:
    """Of how many conversations that the sample was drawn from the reviews say that they are relevant, with a
    confidence of 95 %; None without a sample, or before anything of it was reviewed.
    """
    sampled = [item for item in items if item.part in (Part.SAMPLE, Part.NULL_SAMPLE)]
    reviewed = [item for item in sampled if item.status is not Status.OPEN]
    if not reviewed:
        return None
    relevant = sum(item.status is not Status.IRRELEVANT for item in reviewed)
    low, high = share_interval(relevant, len(reviewed), _CONFIDENCE)
    return {
        "population": case.population, "reviewed": len(reviewed), "relevant": relevant, "confidence": _CONFIDENCE,
        "share_from": round(low, 6), "share_to": round(high, 6),
        "from": max(floor(low * case.population), relevant),
        "to": min(ceil(high * case.population), case.population - (len(reviewed) - relevant)),
    }  # fmt: skip
