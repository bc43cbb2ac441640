"""What LivePerson returned: records with their exact bytes, and pages of them. All frozen."""

from __future__ import annotations

from datetime import datetime

from archiver.value import Value


class Conversation(Value):
    """One record as LivePerson gave it: the fields that ingest needs, and the exact bytes. `skill_id`: -1 for none.
    `is_deep`: it was read by its id, which returns all SDEs and thumbnails.
    """

    id: str
    started_at: datetime | None
    is_open: bool
    is_partial: bool
    raw: bytes
    ended_at: datetime | None
    message_count: int
    skill_id: int
    is_deep: bool = False


class Unreadable(Value):
    """A record of an answer that could not be read far enough to keep it under its id."""

    raw: bytes
    reason: str


class Page(Value):
    """One answer. `total` counts the whole query; `is_complete` is false if some search shards failed; `is_light` if
    little more than the `info` of its records was asked for.
    """

    conversations: tuple[Conversation, ...]
    unreadable: tuple[Unreadable, ...]
    total: int
    is_complete: bool
    is_light: bool = False

    def __len__(self) -> int:
        return len(self.conversations) + len(self.unreadable)


NO_PAGE = Page((), (), 0, True)  # no conversations match
