"""Renews the lease of a harvest in a thread of its own, however long the harvest waits for LivePerson."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from archiver.archive import ArchiveFile
from archiver.errors import Locked
from archiver.service.state import ServiceState
from archiver.service.waiting import Stop, as_ours

EVERY_S = 60.0


class LeaseKeeper:
    """`archive` is a connection for this thread alone. `on_lost` is called when another process has taken over."""

    def __init__(self, archive: ArchiveFile, state: ServiceState, on_lost: Callable[[Locked], None]) -> None:
        self._archive, self._state, self._on_lost = archive, state, on_lost

    def run(self, clock: Callable[[], datetime], stop: Stop) -> None:
        """Renews the lease every minute until `stop` is set."""
        try:
            while not stop.is_set():
                self.renew(clock())
                stop.wait(EVERY_S)
        finally:
            self._archive.close()

    def renew(self, now: datetime) -> None:
        """Renews the lease once, unless the harvest is stuck: then another process may take over."""
        if not self._state.read().is_alive(now):
            return
        try:
            self._archive.heartbeat(now)
        except Locked as error:
            self._on_lost(error)
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            self._state.change(lease_error=as_ours(error).message)
        else:
            self._state.change(lease_error=None)
