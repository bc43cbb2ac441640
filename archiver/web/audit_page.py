"""The page of the audit log."""

from __future__ import annotations

from itertools import islice
from typing import Any
from urllib.parse import urlencode

from archiver.access import Action
from archiver.app import Archive
from archiver.outputs import audit_facts

_PAGE = 100


def audit_page(archive: Archive, user: str, action: str, before: int | None) -> dict[str, Any]:
    """The newest events, of a person and of a kind if these are named, older than the number `before`."""
    archive.audit(Action.READ_AUDIT, what="page", of_user=user or None, of_action=action or None)
    found = (
        event
        for event in archive.file.audit.events(is_newest_first=True)
        if event and _is_wanted(event, user, action, before)
    )
    events = list(islice(found, _PAGE))
    last = events[-1]["event"]["sequence"] if len(events) == _PAGE else None
    return {
        "events": events,
        "facts_of": lambda event: list(audit_facts(event)),
        "user": user,
        "action": action,
        "actions": [item.value for item in Action],
        "next": f"/audit?{urlencode({'user': user, 'action': action, 'before': last})}" if last else None,
        "head": str(archive.file.audit.head()),
    }


def _is_wanted(event: dict[str, Any], user: str, action: str, before: int | None) -> bool:
    if before is not None and event["event"]["sequence"] >= before:
        return False
    return user in ("", event["user"]["name"]) and action in ("", event["event"]["action"])
