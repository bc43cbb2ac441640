"""What the vault gives out: records, entries about a conversation, and records in quarantine. All frozen."""

from __future__ import annotations

from typing import Any

from archiver.archive.events import RECORD
from archiver.value import Value


class Record(Value):
    """The current version of a conversation: its exact bytes and the entry that holds them.

    `is_first`: the vault has no earlier version of it. `touched`: the newest entry about the conversation, a version or
    an event.
    """

    seq: int
    conversation_id: str
    fetched_at: str
    is_first: bool
    raw: bytes
    touched: int = 0

    @property
    def is_alone(self) -> bool:
        """Whether there is no other entry about the conversation."""
        return self.is_first and self.touched == self.seq


class Evidence(Value):
    """What proves an entry of the vault elsewhere: its members as its link hashes them, the link and the salt, both in
    hexadecimal.
    """

    entry: dict[str, Any]
    link: str
    salt: str


class HistoryEntry(Value):
    """One entry about a conversation: a version (`type` is `record`) or an event. `has_body`: it was not removed."""

    seq: int
    fetched_at: str
    type: str
    size: int
    has_body: bool
    is_current: bool

    @property
    def is_version(self) -> bool:
        return self.type == RECORD


class QuarantinedRecord(Value):
    """A record without a readable id: its exact bytes, named by their SHA-256 in hexadecimal, and what is wrong."""

    digest: str
    fetched_at: str
    reason: str
    raw: bytes
