"""Text that LivePerson masked, deleted or left out after it was archived, and the brand's decisions about it.

Part of the archive's SQLite file. A decision removes bodies and salts, never entries: the chain stays verifiable.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime

from archiver.archive import erasure_list, events
from archiver.archive.append import SECOND_LOOK, AppendResult, VaultWriter
from archiver.archive.events import BY_POLICY, Decision
from archiver.archive.inspection import Inspection
from archiver.archive.versions import Change
from archiver.choices import Policies, Policy
from archiver.errors import IntegrityError, NotFound
from archiver.jsontext import encode
from archiver.value import Value

_ERASURES = (
    "SELECT r.state, r.seq, r.conversation_id, r.kind, r.record, e.fetched_at, r.decided_at, r.decided_by, r.reason"
    " FROM erasures r JOIN entries e USING (seq)"
)
_COUNT = "SELECT count(*) FROM erasures r"
# A state that does not exist counts as pending, so that nothing that waits for a decision is hidden.
_DECIDED = encode([decision for decision in Decision if decision is not Decision.PENDING]).decode()
_IS_PENDING = "r.state NOT IN (SELECT value FROM json_each(?))"
_EVENTS = {Change.MASKING: events.MASKING, Change.ERASURE: events.ERASURE, Change.FEWER_MESSAGES: events.FEWER}


class Erasure(Value):
    """One event: `seq` is its own entry, `record` the entry of the version that caused it."""

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
    """Reads only."""

    def __init__(self, connection: sqlite3.Connection, inspection: Inspection) -> None:
        self._connection = connection
        self._inspection = inspection

    def doubts(self) -> tuple[str, ...]:
        """What a reader of the list has to know: that the chain says otherwise."""
        count = sum(1 for _ in erasure_list.faults(self._inspection))
        return (f"{count:,} rows of this list are not what the chain says: archiver verify --repair",) if count else ()

    def listed(self, *, is_pending: bool = True) -> list[Erasure]:
        """The events that wait for a decision, or all, oldest first."""
        return self._listed(f" WHERE {_IS_PENDING}", _DECIDED) if is_pending else self._listed("")

    def pending(self, seq: int) -> Erasure:
        """The event that waits for a decision under a number. Raises NotFound if none does."""
        for erasure in self._listed(f" WHERE r.seq = ? AND {_IS_PENDING}", seq, _DECIDED):
            return erasure
        raise NotFound(f"no erasure {seq} waits for a decision", hint="List them: archiver erasures")

    def _listed(self, where: str, *values: object) -> list[Erasure]:
        rows = self._connection.execute(f"{_ERASURES}{where} ORDER BY r.seq", values)
        return [Erasure(_decision(row[0]), *row[1:]) for row in rows]

    def count_pending(self) -> int:
        """How many events wait for a decision."""
        (count,) = self._connection.execute(f"{_COUNT} WHERE {_IS_PENDING}", (_DECIDED,)).fetchone()
        return int(count)


class ErasuresWriter(Erasures):
    """The same with its writers, for the archive's own methods, inside a transaction of the archive."""

    def __init__(self, connection: sqlite3.Connection, inspection: Inspection, vault: VaultWriter) -> None:
        super().__init__(connection, inspection)
        self._vault = vault

    def note(self, result: AppendResult, policies: Policies, now: datetime, *, is_whole: bool) -> bool:
        """Records masked, deleted or missing text of a read, and applies the policy; whether bodies were removed.

        After a read that is not `is_whole` a person decides: the older versions may contain what it lacks.
        """
        if result.change is Change.FEWER_MESSAGES:
            if now - result.since >= SECOND_LOOK and not self._is_noted(result.seq):
                self._note(result, Policy.ASK, now)
            return False
        if result.is_new and result.change.is_current:
            self.supersede([result.conversation_id])
        if not result.is_new or result.change not in _EVENTS:
            return False
        policy = policies.masking if result.change is Change.MASKING else policies.erasure
        return self._note(result, policy if is_whole else Policy.ASK, now)

    def _note(self, result: AppendResult, policy: Policy, now: datetime) -> bool:
        if self._is_doubtful(result.conversation_id):
            policy = Policy.ASK  # nothing is removed by a list that may hide what is to be kept
        kind, state = _EVENTS[result.change], BY_POLICY[policy]
        is_followed = policy is Policy.FOLLOW
        kept_states = (Decision.KEPT, Decision.PENDING)
        removed = self._removable(result.conversation_id, result.seq, *kept_states) if is_followed else []
        content = {"record": result.seq, "policy": policy.value, "removed": removed}
        seq = self._vault.append_event(kind, result.conversation_id, content, at=now)
        self._vault.remove_bodies(removed)
        self._connection.execute(
            "INSERT INTO erasures (seq, conversation_id, kind, record, state) VALUES (?, ?, ?, ?, ?)",
            (seq, result.conversation_id, kind, result.seq, state),
        )
        return bool(removed)

    def _is_doubtful(self, conversation_id: str) -> bool:
        """Whether the list says otherwise than the chain about a conversation."""
        return any(True for _ in erasure_list.faults(self._inspection, conversation_id))

    def _is_noted(self, record: int) -> bool:
        row = self._connection.execute("SELECT 1 FROM erasures WHERE record = ?", (record,)).fetchone()
        return row is not None

    def supersede(self, conversation_ids: Iterable[str]) -> None:
        """LivePerson returns the current version of these again: none of their messages is missing any more."""
        self._connection.execute(
            "UPDATE erasures SET state = ? WHERE kind = ? AND state = ?"
            " AND conversation_id IN (SELECT value FROM json_each(?))",
            (Decision.SUPERSEDED, events.FEWER, Decision.PENDING, encode(list(conversation_ids)).decode()),
        )

    def _removable(self, conversation_id: str, record: int, *protecting: Decision) -> list[int]:
        """The older bodies that no event in one of these states protects."""
        (protected,) = self._connection.execute(
            "SELECT coalesce(max(record), 0) FROM erasures"
            " WHERE conversation_id = ? AND state IN (SELECT value FROM json_each(?))",
            (conversation_id, encode(protecting).decode()),
        ).fetchone()
        return [seq for seq in self._vault.older_bodies(conversation_id, record) if seq >= protected]

    def decide(self, seq: int, *, approve: bool, by: str, reason: str | None, now: datetime) -> list[int]:
        """Approves a pending event, which removes the older bodies, or keeps them. The entries whose bodies were
        removed. Raises NotFound if the event does not wait for a decision, IntegrityError if the list is not what the
        chain says.
        """
        erasure = self.pending(seq)
        if self._is_doubtful(erasure.conversation_id):
            message = f"the list of erasures is not what the chain says about conversation {erasure.conversation_id}"
            raise IntegrityError(message, seq=seq, hint="Make it so: archiver verify --repair. Then decide.")
        removed = self._approve(erasure, now) if approve else []
        state = Decision.APPROVED if approve else Decision.KEPT
        content = {"of": seq, "decision": state.value, "by": by, "reason": reason, "removed": removed}
        decision = self._vault.append_event(events.DECIDED, erasure.conversation_id, content, at=now)
        self._vault.remove_bodies(removed)
        self._connection.execute(
            "UPDATE erasures SET state = ?, decision = ?, decided_at = ?, decided_by = ?, reason = ? WHERE seq = ?",
            (state, decision, now.isoformat(timespec="milliseconds"), by, reason, seq),
        )
        return removed

    def _approve(self, erasure: Erasure, now: datetime) -> list[int]:
        """The entries whose bodies are to be removed. A version with fewer messages is appended again and becomes the
        current one.
        """
        record = erasure.record
        if erasure.kind == events.FEWER:
            record = self._vault.append_again(record, at=now)
        return self._removable(erasure.conversation_id, record, Decision.KEPT)


def _decision(text: str) -> Decision:
    return Decision(text) if text in tuple(Decision) else Decision.PENDING
