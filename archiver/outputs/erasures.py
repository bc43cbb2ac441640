"""`archiver.erasures/1`: what LivePerson masked, deleted or left out, and what was decided."""

from __future__ import annotations

from typing import Any

from archiver.app import Archive
from archiver.archive import Erasure
from archiver.errors import IntegrityError, NotFound
from archiver.outputs.history import change_json
from archiver.transcript import Change, changes

ERASURE_WORDS = {
    "upstream_masking": "masked at LivePerson",
    "upstream_erasure": "deleted at LivePerson",
    "upstream_fewer": "messages are missing at LivePerson",
}


def erasure_json(archive: Archive, erasure: Erasure) -> dict[str, Any]:
    """One event with what is at stake."""
    return {
        "id": erasure.seq, "conversation_id": erasure.conversation_id, "kind": erasure.kind, "state": erasure.state,
        "noticed_at": erasure.noticed_at, "entry": erasure.record,
        "older_entries": archive.file.vault.older_bodies(erasure.conversation_id, erasure.record),
        "changes": [change_json(change) for change in at_stake(archive, erasure)],
        "decided_at": erasure.decided_at, "decided_by": erasure.decided_by, "reason": erasure.reason,
    }  # fmt: skip


def at_stake(archive: Archive, erasure: Erasure) -> list[Change]:
    """What LivePerson changed: the difference from the version before whose text is still there."""
    try:
        versions = archive.versions(erasure.conversation_id)
    except (NotFound, IntegrityError):  # the row or a version is damaged, which `verify` names
        return []
    texts = {version.entry.seq: version.transcript for version in versions if version.transcript}
    before = max((seq for seq in texts if seq < erasure.record), default=None)
    if before is None or erasure.record not in texts:
        return []
    return [change for change in changes(texts[before], texts[erasure.record]) if change.before is not None]
