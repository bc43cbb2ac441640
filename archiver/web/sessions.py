"""Who is logged in: sessions in this process's memory, which end with it. The browser holds a random number only."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archiver.value import Value

LENGTH = timedelta(hours=8)
_NOTED_EVERY = timedelta(seconds=1)
_MOST = 10_000  # sessions; with more, the oldest end


class Identity(Value):
    """Who somebody is, as they have proven by `login`. `groups` are those that the provider of the login names; `token`
    is the hash of the token that they used.
    """

    login: str
    name: str
    groups: tuple[str, ...] = ()
    token: bytes | None = None


@dataclass
class Session:
    """A person who is logged in until `ends_at`. `unmasked`: conversations whose personal data they asked to see."""

    identity: Identity
    ends_at: datetime
    unmasked: set[str] = field(default_factory=set)


class Sessions:
    """All sessions, by the number that the browser holds."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._all: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, identity: Identity) -> str:
        """A new session; its number."""
        number, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            over = [key for key, session in self._all.items() if session.ends_at <= now]
            oldest = list(self._all)[:1] if len(self._all) >= _MOST else []
            for key in over or oldest:
                del self._all[key]
            self._all[number] = Session(identity, now + LENGTH)
        return number

    def of(self, identity: Identity) -> Session:
        """The session of somebody whom a proxy names with each request."""
        number = f"{identity.login} {identity.name}"
        session = self.find(number)
        if session is None:
            session = Session(identity, self._clock() + LENGTH)
            with self._lock:
                self._all[number] = session
        return session

    def find(self, number: str | None) -> Session | None:
        """The session of a number, if it has not ended."""
        session = self._all.get(number or "")
        return session if session is not None and self._clock() < session.ends_at else None

    def end(self, number: str | None) -> None:
        """Ends a session."""
        with self._lock:
            self._all.pop(number or "", None)


class Refusals:
    """Counts who proved nothing, so that this is noted once a second, and nobody fills the audit log with it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._noted_at: datetime | None = None
        self._count = 0
        self._lock = threading.Lock()

    def add(self) -> int | None:
        """How many there were since the last note, with this one; None if it is too early for the next."""
        with self._lock:
            now = self._clock()
            self._count += 1
            if self._noted_at is not None and now - self._noted_at < _NOTED_EVERY:
                return None
            count, self._count, self._noted_at = self._count, 0, now
            return count
