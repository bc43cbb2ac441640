"""The feed of changes since a vault entry, for programs that follow: new, changed, masked, erased, vanished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.archive import ArchiveFile
from archiver.errors import NotFound, RecordError
from archiver.index import read_version
from archiver.model import Transcript
from archiver.query import Expression, Reading
from archiver.transcript import as_json, project, unreadable_as_json
from archiver.value import Value

_AT_ONCE = 500  # entries
# By the type of an entry: what it means for a program that follows. Records are `new` or `changed`.
_KINDS = {
    "upstream_masking": "masked", "upstream_erasure": "erased", "upstream_fewer": "erased",
    "erasure_decided": "decided", "upstream_vanished": "vanished", "upstream_returned": "returned",
}  # fmt: skip


class Feed(Value):
    """The changes of an archive that concern conversations of which an expression is true; None for all of them."""

    archive: ArchiveFile
    expression: Expression | None = None

    def since(self, seq: int) -> Iterator[dict[str, Any]]:
        """Every change after a vault entry up to the newest one, oldest first, each an `archiver.change/1`: what
        happened, and the conversation as it is now. One that has changed again since comes again later.
        """
        head = self.archive.vault.head()
        while seq < head and (entries := self.archive.vault.entries_after(seq, _AT_ONCE)):
            for number, conversation_id, fetched_at, type_, _ in entries:
                change = self._change(number, conversation_id, fetched_at, type_)
                if change is not None:
                    yield change
            seq = entries[-1][0]

    def _change(self, seq: int, conversation_id: str, at: str, type_: str) -> dict[str, Any] | None:
        record = self.archive.vault.current(conversation_id)
        transcript, unreadable = None, None
        try:
            transcript = read_version(self.archive.vault, record).transcript
        except RecordError as error:
            where: dict[str, Any] = {"seq": record.seq, "fetched_at": record.fetched_at, "raw": record.raw}
            unreadable = unreadable_as_json(conversation_id, error.message, **where)
        if transcript is not None and not self._concerns(transcript, conversation_id, seq):
            return None
        shown = as_json(transcript, seq=record.seq, fetched_at=record.fetched_at) if transcript else unreadable
        return {
            "schema": "archiver.change/1", "seq": seq, "conversation_id": conversation_id, "at": at,
            "kind": self._kind(seq, conversation_id, type_), "conversation": shown,
        }  # fmt: skip

    def _kind(self, seq: int, conversation_id: str, type_: str) -> str:
        if type_ != "record":
            return _KINDS.get(type_, type_)
        first = next(entry.seq for entry in self.archive.vault.history(conversation_id) if entry.is_version)
        return "new" if seq == first else "changed"

    def _concerns(self, transcript: Transcript, conversation_id: str, seq: int) -> bool:
        """Whether the expression is true of the conversation now, or was of the version before this change, so that a
        program hears when one is not its concern any more.
        """
        if self.expression is None or Reading(transcript).is_true(self.expression):
            return True
        history = self.archive.vault.history(conversation_id)
        before = [entry for entry in history if entry.is_version and entry.seq < seq]
        if any(not entry.has_body for entry in before):
            return True  # what it was is gone, so that it is better said
        try:
            return bool(before) and Reading(project(self.archive.vault.entry_raw(before[-1].seq))).is_true(
                self.expression
            )
        except (RecordError, NotFound):
            return True  # it can't be told, so that it is better said
