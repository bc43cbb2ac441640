"""`archiver.history/1`: every version of a conversation, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archiver.archive import HistoryEntry
from archiver.index import NumberedVersion
from archiver.transcript import Change, changes

EVENT_WORDS = {
    "upstream_masking": "LivePerson masked text",
    "upstream_erasure": "LivePerson deleted text",
    "upstream_fewer": "LivePerson returned fewer messages",
    "upstream_vanished": "LivePerson lists the conversation no more",
    "upstream_returned": "LivePerson lists the conversation again",
    "erasure_decided": "a person decided about the older versions",
}


Steps = list[Change]


def steps_of(versions: Iterable[NumberedVersion]) -> Iterator[tuple[NumberedVersion, Steps]]:
    """Each version with its changes against the one before it whose text is there."""
    before = None
    for version in versions:
        if version.transcript is None:
            yield version, []
            continue
        yield version, list(changes(before, version.transcript)) if before else []
        before = version.transcript


def history_json(
    conversation: str, entries: Iterable[HistoryEntry], versions: Iterable[NumberedVersion],
    steps: dict[int, Steps],
) -> dict[str, Any]:  # fmt: skip
    """The document; `steps` are the changes that came with each version, by its entry."""
    numbers = {version.entry.seq: version.number for version in versions}
    return {
        "schema": "archiver.history/1",
        "conversation_id": conversation,
        "entries": [
            {
                "entry": entry.seq, "at": entry.fetched_at, "type": entry.type, "version": numbers.get(entry.seq),
                "has_text": entry.has_body, "is_current": entry.is_current,
                "changes": [change_json(change) for change in steps.get(entry.seq, ())],
            }
            for entry in entries
        ],
    }  # fmt: skip


def change_json(change: Change) -> dict[str, Any]:
    """A change as plain values."""
    return {
        "kind": change.kind, "what": change.what, "number": change.number, "before": change.before,
        "after": change.after,
    }  # fmt: skip
