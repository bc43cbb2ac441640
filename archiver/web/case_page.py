"""The pages of cases, and what a transcript says of the cases that hold it."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import quote, urlencode

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import Case, CaseItem, Status
from archiver.casework import bring_up_to_date, case_of, cases_of, estimate, items_of, origin_of
from archiver.errors import IntegrityError, RecordError, counted
from archiver.jsontext import encode
from archiver.outputs import counts_of
from archiver.value import Value, as_dict
from archiver.web.lens import conversation_href
from archiver.web.times import minute

_SHOWN = 100  # conversations of a case
_UNREAD = "unread"


class Review(Value):
    """What a transcript shows of a case that holds it."""

    case: Case
    item: CaseItem
    state: str
    href: str
    unread: int


def cases_page(archive: Archive) -> dict[str, Any]:
    """What the page of all cases shows."""
    cases = [(case, case_href(case.name), counts_of(items_of(archive, case))) for case in cases_of(archive)]
    return {"cases": cases, "counted": counted}


def case_page(archive: Archive, name: str, only: str, after: str) -> dict[str, Any]:
    """What the page of a case shows: the conversations of a status, or those that nobody has read, of them the first
    ones whose ids come after one. Raises NotFound.
    """
    case = case_of(archive, name)
    bring_up_to_date(archive, case)
    archive.audit(Action.VIEW, what="case", to=name)
    items = items_of(archive, case)
    chosen = [item for item in items if only in ("", _UNREAD if item.read_at is None else "", item.status)]
    left = [item for item in chosen if item.conversation_id > after]
    href, counts = case_href(name), counts_of(items)
    return {
        "case": case,
        "zone": archive.zone,
        "counts": counts,
        "origin": origin_of(archive, case),
        "estimate": estimate(archive, case),
        "only": only,
        "choices": [("all", href, ""), *((word, f"{href}?only={word}", word) for word in (_UNREAD, *Status))],
        "items": [_row(archive, case, item) for item in left[:_SHOWN]],
        "before": len(chosen) - len(left),
        "chosen": len(chosen),
        "first": _part(href, only, "") if after else None,
        "next": _part(href, only, left[_SHOWN - 1].conversation_id) if len(left) > _SHOWN else None,
        "counted": counted,
    }  # fmt: skip


def _part(href: str, only: str, after: str) -> str:
    given = {name: value for name, value in (("only", only), ("after", after)) if value}
    return f"{href}?{urlencode(given, errors='replace')}" if given else href


def _row(archive: Archive, case: Case, item: CaseItem) -> tuple[CaseItem, str, str, str]:
    """A conversation of a case: what is said of it, its address, who it is with, and when it started."""
    href = conversation_href(item.conversation_id, case.query)
    try:
        metadata = archive.transcript(item.conversation_id).metadata
    except (RecordError, IntegrityError):
        return item, href, item.conversation_id, "can't be shown"
    names = ", ".join(person.name for person in metadata.consumers) or "unknown customer"
    return item, href, names, minute(metadata.started_at, archive.zone)


def reviews_of(archive: Archive, conversation_id: str) -> dict[str, Any]:
    """The cases that hold a conversation, and the names of those that could."""
    reviews, others = [], []
    for case in cases_of(archive):
        item = archive.file.cases.item(case, conversation_id)
        if item:
            unread = counts_of(items_of(archive, case))["unread"]
            reviews.append(Review(case, item, state_of(item), case_href(case.name), unread))
        else:
            others.append(case.name)
    return {"reviews": reviews, "other_cases": others, "statuses": list(Status)}


def state_of(item: CaseItem) -> str:
    """What tells whether a conversation was marked since a form was made."""
    return hashlib.sha256(encode(as_dict(item))).hexdigest()


def after_review(archive: Archive, case: Case) -> str:
    """Where a reviewer goes on: the next conversation that nobody has read, or the page of the case."""
    unread = next((item for item in items_of(archive, case) if item.read_at is None), None)
    return conversation_href(unread.conversation_id, case.query) if unread else case_href(case.name)


def case_href(name: str) -> str:
    """The address of a case."""
    return f"/cases/{quote(name, safe='')}"
