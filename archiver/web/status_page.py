"""The page of how the archive is: harvest, index, what was refused, what has to be decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archiver.access import Action, Right
from archiver.app import Archive
from archiver.archive import Erasure
from archiver.errors import ArchiverError, counted
from archiver.outputs import ERASURE_WORDS, at_stake, status_json
from archiver.transcript import Change
from archiver.web.coverage_page import is_urgent, time_left
from archiver.web.lens import conversation_href
from archiver.web.times import moment

_SHOWN = 50  # refusals and erasures


def status_page(archive: Archive, harvest_troubles: Sequence[str] = ()) -> dict[str, Any]:
    """What the page shows, with what hinders a harvest of this process. An index that is out of reach is told, and the
    rest is shown anyway.
    """
    status = status_json(archive)
    pending = archive.file.erasures.listed()
    shows_erasures = archive.view.person.may(Right.DECIDE) and archive.view.is_of_all
    if shows_erasures and pending:
        archive.audit(Action.VIEW, what="erasures", count=len(pending))
    return {
        "status": status,
        "troubles": list(_troubles(status, len(pending), archive)),
        "harvest_troubles": harvest_troubles,
        "last_harvest": _moment(archive),
        "behind": _behind(status),
        "refused": _refused(archive)[:_SHOWN],
        "pending": [_to_decide(archive, item) for item in pending[:_SHOWN]] if shows_erasures else [],
        "shows_erasures": shows_erasures,
        "pending_count": len(pending),
        "quarantined": status["vault"]["quarantined"],
        "clock_notice": archive.file.ledger.clock_notice(),
        "grants": archive.file.grants.all() if archive.view.person.may(Right.ADMINISTER) else [],
        "zone": archive.zone,
        "counted": counted,
    }


def _troubles(status: dict[str, Any], pending: int, archive: Archive) -> Iterator[str]:
    """What somebody has to look at, in words; the page tells each of them below."""
    index = status["index"]
    if archive.file.ledger.last_finished() is None:
        yield "no harvest has finished yet"
    if "error" in index:
        yield "the index does not answer"
    hours_left = archive.coverage().hours_left
    if hours_left is not None and is_urgent(hours_left):
        yield f"LivePerson begins to delete what was not read, {time_left(hours_left)}"
    found = (
        (len(status["ledger"]["unproven"]), "window", "not proven complete"),
        (status["vault"]["quarantined"], "unreadable record", "in quarantine"),
        (index["refused"] or 0, "conversation", "refused by the index"),
        (pending, "erasure", "to decide"),
    )
    yield from (f"{counted(count, what)} {state}" for count, what, state in found if count)
    yield from index["faults"]


def _to_decide(archive: Archive, item: Erasure) -> tuple[Erasure, str, str, list[Change]]:
    """An event with its conversation's address, what happened in words, and the text that is at stake."""
    words = ERASURE_WORDS.get(item.kind, item.kind)
    return item, conversation_href(item.conversation_id), words, at_stake(archive, item)


def _moment(archive: Archive) -> str:
    at = archive.file.ledger.last_finished()
    return f"{moment(at, archive.zone)} ({archive.zone})" if at else "never"


def _behind(status: dict[str, Any]) -> int | None:
    applied = status["index"]["applied"]
    return None if applied is None else max(status["vault"]["head"] - applied, 0)


def _refused(archive: Archive) -> list[Any]:
    try:
        return list(archive.refused())
    except ArchiverError:
        return []
