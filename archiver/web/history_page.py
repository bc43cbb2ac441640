"""The page of a conversation's versions, and what changed from one to the next."""

from __future__ import annotations

from typing import Any

from archiver.access import Action
from archiver.app import Archive
from archiver.errors import counted
from archiver.outputs import EVENT_WORDS, steps_of
from archiver.transcript import Change, word_diff
from archiver.value import Value
from archiver.web.lens import conversation_href


class Step(Value):
    """A change as pieces: kept (=), removed (-) and added (+) text."""

    title: str
    pieces: tuple[tuple[str, str], ...]


def history_page(archive: Archive, conversation_id: str) -> dict[str, Any]:
    """What the page shows. Raises NotFound, IntegrityError."""
    entries, versions = archive.history(conversation_id), archive.versions(conversation_id)
    archive.audit(Action.VIEW, conversation_id=conversation_id, what="history")
    steps = {version.entry.seq: [_step(change) for change in found] for version, found in steps_of(versions)}
    numbers = {version.entry.seq: version.number for version in versions}
    return {
        "conversation_id": conversation_id,
        "href": conversation_href(conversation_id),
        "rows": [
            (entry, numbers.get(entry.seq), EVENT_WORDS.get(entry.type, entry.type), steps.get(entry.seq, []))
            for entry in entries
        ],
        "zone": archive.zone,
        "counted": counted,
    }


def _step(change: Change) -> Step:
    number = f" #{change.number}" if change.number else ""
    title = f"{change.kind.value}{number} {change.what}"
    return Step(title, tuple(word_diff(change.before or "", change.after or "")))
