"""An account whose state is set, for tests of health."""

from __future__ import annotations

from datetime import datetime

from archiver.service.state import Snapshot


class Reported:
    """An account whose state is set."""

    def __init__(self, state: Snapshot) -> None:
        self._state = state

    def state_now(self) -> Snapshot:
        return self._state

    def observed(self, now: datetime) -> Snapshot:
        return self._state
