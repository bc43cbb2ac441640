"""What LivePerson took back after it was kept - masked, deleted, or left out - and what the brand decides about it.

Part of the archive's SQLite file. A decision removes bodies and salts, never entries: the chain stays verifiable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from archiver.archive import events
from archiver.archive.events import BY_POLICY, Decision
from archiver.archive.vault import SECOND_LOOK, AppendResult, Vault
from archiver.archive.versions import Change
from archiver.errors import NotFound
from archiver.jsontext import encode
from archiver.model import Policies, Policy

_ERASURES = (
    "SELECT r.state, r.seq, r.conversation_id, r.kind, r.record, e.fetched_at, r.decided_at, r.decided_by, r.reason"
    " FROM erasures r JOIN entries e USING (seq)"
)
_EVENTS = {Change.MASKING: events.MASKING, Change.ERASURE: events.ERASURE, Change.FEWER_MESSAGES: events.FEWER}


@dataclass(frozen=True, slots=True)
class Erasure:
    """One event: `seq` is its own entry, `record` the entry of the version that it came with."""

    state: Decision
    seq: int
    conversation_id: str
    kind: str
    record: int
    noticed_at: str
    decided_at: str | None
    decided_by: str | None
    reason: str | None


class Erasures:
    """Writes happen inside `Archive.transaction`."""

    def __init__(self, connection: sqlite3.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    def take(self, kept: AppendResult, policies: Policies, now: datetime, *, is_whole: bool) -> bool:
        """Records what a read took back, and follows it if that is the policy. Whether bodies were removed.

        After a read that is not `is_whole` a person decides: the older versions may have what it leaves out.
        """
        if kept.change is Change.FEWER_MESSAGES:
            if now - kept.since >= SECOND_LOOK and not self._is_noted(kept.seq):
                self._note(kept, Policy.ASK, now)
            return False
        if kept.is_new and kept.change.is_current:
            self.supersede([kept.conversation_id])
        if not kept.is_new or kept.change not in _EVENTS:
            return False
        policy = policies.masking if kept.change is Change.MASKING else policies.erasure
        return self._note(kept, policy if is_whole else Policy.ASK, now)

    def _note(self, kept: AppendResult, policy: Policy, now: datetime) -> bool:
        kind, state = _EVENTS[kept.change], BY_POLICY[policy]
        is_followed = policy is Policy.FOLLOW
        removed = (
            self._removable(kept.conversation_id, kept.seq, Decision.KEPT, Decision.PENDING) if is_followed else []
        )
        said = {"record": kept.seq, "policy": policy.value, "removed": removed}
        seq = self._vault.note(kind, kept.conversation_id, said, at=now)
        self._vault.remove_bodies(removed)
        self._connection.execute(
            "INSERT INTO erasures (seq, conversation_id, kind, record, state) VALUES (?, ?, ?, ?, ?)",
            (seq, kept.conversation_id, kind, kept.seq, state),
        )
        return bool(removed)

    def _is_noted(self, record: int) -> bool:
        row = self._connection.execute("SELECT 1 FROM erasures WHERE record = ?", (record,)).fetchone()
        return row is not None

    def supersede(self, conversation_ids: Iterable[str]) -> None:
        """Of these, LivePerson shows the current version again: no message of theirs is missing any more."""
        self._connection.execute(
            "UPDATE erasures SET state = ? WHERE kind = ? AND state = ?"
            " AND conversation_id IN (SELECT value FROM json_each(?))",
            (Decision.SUPERSEDED, events.FEWER, Decision.PENDING, encode(list(conversation_ids)).decode()),
        )

    def _removable(self, conversation_id: str, record: int, *protecting: Decision) -> list[int]:
        """The older bodies that no event in some states protects."""
        (protected,) = self._connection.execute(
            "SELECT coalesce(max(record), 0) FROM erasures"
            " WHERE conversation_id = ? AND state IN (SELECT value FROM json_each(?))",
            (conversation_id, encode(protecting).decode()),
        ).fetchone()
        return [seq for seq in self._vault.older_bodies(conversation_id, record) if seq >= protected]

    def listed(self, *, is_pending: bool = True) -> list[Erasure]:
        """The events that wait for a decision, or all, oldest first."""
        return self._listed(" WHERE r.state = ?", Decision.PENDING) if is_pending else self._listed("")

    def _listed(self, where: str, *values: object) -> list[Erasure]:
        rows = self._connection.execute(f"{_ERASURES}{where} ORDER BY r.seq", values)
        return [Erasure(Decision(row[0]), *row[1:]) for row in rows]

    def count_pending(self) -> int:
        (count,) = self._connection.execute(
            "SELECT count(*) FROM erasures WHERE state = ?", (Decision.PENDING,)
        ).fetchone()
        return int(count)

    def decide(self, seq: int, *, approve: bool, by: str, reason: str | None, now: datetime) -> list[int]:
        """Approves a pending event, which removes the older bodies, or keeps them. The entries whose bodies went.

        Raises NotFound if it does not wait for a decision.
        """
        pending = self._listed(" WHERE r.seq = ? AND r.state = ?", seq, Decision.PENDING)
        if not pending:
            raise NotFound(f"no erasure {seq} waits for a decision", hint="List them: archiver erasures")
        (found,) = pending
        removed = self._approve(found, now) if approve else []
        state = Decision.APPROVED if approve else Decision.KEPT
        said = {"of": seq, "decision": state.value, "by": by, "reason": reason, "removed": removed}
        decision = self._vault.note(events.DECIDED, found.conversation_id, said, at=now)
        self._vault.remove_bodies(removed)
        self._connection.execute(
            "UPDATE erasures SET state = ?, decision = ?, decided_at = ?, decided_by = ?, reason = ? WHERE seq = ?",
            (state, decision, now.isoformat(timespec="milliseconds"), by, reason, seq),
        )
        return removed

    def _approve(self, erasure: Erasure, now: datetime) -> list[int]:
        """The bodies that go. A version with fewer messages is the current one from now on."""
        record = erasure.record
        if erasure.kind == events.FEWER:
            record = self._vault.restate(record, at=now)
        return self._removable(erasure.conversation_id, record, Decision.KEPT)
