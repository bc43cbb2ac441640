"""The page of the audit log."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import urlencode

from archiver.access import Action
from archiver.app import Archive
from archiver.outputs import audit_facts, member_of

_PAGE = 100


def audit_page(archive: Archive, user: str, action: str, before: int | None) -> dict[str, Any]:
    """The newest events, of a person and of a kind if these are named, older than the number `before`."""
    archive.view.check_all()
    archive.audit(Action.READ_AUDIT, what="page", of_user=user or None, of_action=action or None)
    found = (
        event for event in archive.file.audit.events(is_newest_first=True) if _is_wanted(event, user, action, before)
    )
    events = list(islice(found, _PAGE))
    last = events[-1]["event"]["sequence"] if len(events) == _PAGE else None
    return {
        "events": events,
        "rows": [_row(event) for event in events],
        "user": user,
        "action": action,
        "actions": [item.value for item in Action],
        "next": f"/audit?{urlencode({'user': user, 'action': action, 'before': last})}" if last else None,
        "head": str(archive.file.audit.head()),
    }


def _row(event: dict[str, Any]) -> dict[str, Any]:
    """An event as the page shows it, also one that somebody has changed."""
    parts = {
        "number": ("event", "sequence"), "user": ("user", "name"), "action": ("event", "action"),
        "outcome": ("event", "outcome"), "reason": ("event", "reason"), "via": ("archive", "via"),
        "ip": ("source", "ip"),
    }  # fmt: skip
    row = {name: str(found) if (found := member_of(event, *place)) is not None else "" for name, place in parts.items()}
    facts = event.get("archive")
    return row | {
        "at": str(event.get("@timestamp", ""))[:19].replace("T", " "),
        "facts": list(audit_facts(event)) if isinstance(facts, dict) else [],
    }


def _is_wanted(event: dict[str, Any], user: str, action: str, before: int | None) -> bool:
    number = member_of(event, "event", "sequence")
    if not isinstance(number, int) or (before is not None and number >= before):
        return False
    return user in ("", member_of(event, "user", "name")) and action in ("", member_of(event, "event", "action"))
