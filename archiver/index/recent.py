"""Conversations that were read lately, so that whoever asks for them again does not wait for the same work."""

from __future__ import annotations

import threading
from collections import OrderedDict

from archiver.model import Message
from archiver.query import Reading, every_message
from archiver.value import Value

Place = tuple[str, str]  # an archive's id and a conversation's


class Read(Value):
    """A conversation as it was when the chain's `link` was that of the last entry about it, with its messages by their
    ids.
    """

    link: str
    reading: Reading
    by_id: dict[str, Message]


class RecentReadings:
    """The last conversation that was read, however long, and those before it, up to so many messages in all; each
    conversation counts as one more. Any number of threads may use it.
    """

    def __init__(self, most_messages: int = 0) -> None:
        self._most = most_messages
        self._read: OrderedDict[Place, Read] = OrderedDict()
        self._messages = 0
        self._lock = threading.Lock()

    def get(self, place: Place, link: str) -> Read | None:
        """A conversation, if it was read lately and nothing was noted about it since. What it was before is forgotten:
        it may have been erased, or the archive be another copy.
        """
        with self._lock:
            found = self._read.get(place)
            if found is None or found.link != link:
                self._remove(place)
                return None
            self._read.move_to_end(place)
            return found

    def put(self, place: Place, link: str, reading: Reading) -> Read:
        """Keeps what was read."""
        read = Read(link, reading, {message.id: message for message in every_message(reading.transcript)})
        with self._lock:
            self._remove(place)
            self._read[place] = read
            self._messages += 1 + len(read.by_id)
            while self._messages > self._most and len(self._read) > 1:
                self._remove(next(iter(self._read)))
        return read

    def _remove(self, place: Place) -> None:
        removed = self._read.pop(place, None)
        self._messages -= 1 + len(removed.by_id) if removed else 0
