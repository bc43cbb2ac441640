"""Reads conversations from the vault as an index holds them: the present version with what others said before."""

from __future__ import annotations

from archiver.archive import HistoryEntry, Record, Vault, states_by
from archiver.errors import RecordError
from archiver.index.results import Refusal, Version
from archiver.model import Transcript
from archiver.transcript import project, with_history
from archiver.value import Value


def read_version(vault: Vault, record: Record, *, with_events: bool = True, with_facts: bool = True) -> Version:
    """A version of a conversation, whole or without parts as for `project`. Raises RecordError if the present version
    can't be read, IntegrityError if another one is not what was kept.
    """
    transcript = project(record.raw, with_events=with_events, with_facts=with_facts)
    if not record.is_alone:
        id_, others = record.conversation_id, vault.other_versions(record)
        transcript = with_history(transcript, others, vault.versions_at(id_), states_by(vault.events_about(id_)))
    return _version(record, transcript)


def _version(record: Record, transcript: Transcript) -> Version:
    return Version(record.touched, transcript, record.is_first, record.fetched_at)


class Unread(Value):
    """The record of a conversation about which there is no other entry: its version is read without the vault, also in
    another process.
    """

    record: Record

    @property
    def seq(self) -> int:
        return self.record.seq

    @property
    def conversation_id(self) -> str:
        return self.record.conversation_id


def read(item: Version | Unread | Refusal) -> Version | Refusal:
    """What is to be indexed: a version, or a refusal of a record that can't be read."""
    if not isinstance(item, Unread):
        return item
    record = item.record
    try:
        return _version(record, project(record.raw, with_events=False))
    except RecordError as error:
        return refusal_of(record, error)


def refusal_of(record: Record, error: RecordError) -> Refusal:
    """The refusal of a record that can't be read."""
    return Refusal(record.seq, record.conversation_id, error.message)


class NumberedVersion(Value):
    """A version of a conversation. `transcript` is None if its text was removed, or can't be read."""

    number: int
    entry: HistoryEntry
    transcript: Transcript | None


def numbered_versions(vault: Vault, conversation_id: str) -> list[NumberedVersion]:
    """Every version of a conversation, oldest first, numbered from 1. Raises NotFound, IntegrityError."""
    entries = [entry for entry in vault.history(conversation_id) if entry.is_version]
    return [NumberedVersion(number, entry, _transcript(vault, entry)) for number, entry in enumerate(entries, 1)]


def other_transcripts(vault: Vault, conversation_id: str) -> list[Transcript]:
    """What the other versions of a conversation say, as far as they can be read. Raises NotFound, IntegrityError."""
    others = (entry for entry in vault.history(conversation_id) if entry.is_version and not entry.is_current)
    return [transcript for entry in others if (transcript := _transcript(vault, entry))]


def _transcript(vault: Vault, entry: HistoryEntry) -> Transcript | None:
    try:
        return project(vault.entry_raw(entry.seq)) if entry.has_body else None
    except RecordError:
        return None
