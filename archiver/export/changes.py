"""The feed of changes since a vault entry, for programs that follow: new, changed, masked, erased, vanished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archiver.archive import ArchiveFile, Record
from archiver.errors import NotFound, RecordError
from archiver.export.item import Item, items
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


class FeedChange(Value):
    """What happened at a vault entry, `seq`, and the conversation as it is now."""

    seq: int
    at: str
    kind: str
    item: Item


class Feed(Value):
    """The changes of an archive that concern conversations of which an expression is true; None for all of them."""

    archive: ArchiveFile
    expression: Expression | None = None

    def since(self, seq: int) -> Iterator[dict[str, Any]]:
        """Every change after a vault entry as an `archiver.change/1`."""
        return map(_as_json, self.changes(seq))

    def changes(self, seq: int) -> Iterator[FeedChange]:
        """Every change after a vault entry up to the newest one, oldest first. A conversation that has changed again
        since comes again later.
        """
        head = self.archive.vault.head()
        while seq < head and (entries := self.archive.vault.entries_after(seq, _AT_ONCE)):
            for number, conversation_id, fetched_at, type_, _ in entries:
                (item,) = items([self.archive.vault.current(conversation_id)], self._read)
                if item.transcript is None or self._concerns(item.transcript, conversation_id, number):
                    yield FeedChange(number, fetched_at, self._kind(number, conversation_id, type_), item)
            seq = entries[-1][0]

    def _read(self, record: Record) -> Transcript:
        return read_version(self.archive.vault, record).transcript

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


def _as_json(change: FeedChange) -> dict[str, Any]:
    item, record = change.item, change.item.record
    where: dict[str, Any] = {"seq": record.seq, "fetched_at": record.fetched_at}
    shown = (
        as_json(item.transcript, **where) if item.transcript
        else unreadable_as_json(item.id, item.fault or "", raw=record.raw, **where)
    )  # fmt: skip
    return {
        "schema": "archiver.change/1", "seq": change.seq, "conversation_id": item.id, "at": change.at,
        "kind": change.kind, "conversation": shown,
    }  # fmt: skip
