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
    """`held` returns the archive whose lease is to be renewed; None while there is none. `on_lost` is called with it
    when another process has taken over.
    """

    def __init__(
        self, held: Callable[[], ArchiveFile | None], state: ServiceState,
        on_lost: Callable[[ArchiveFile, Locked], None],
    ) -> None:  # fmt: skip
        self._held, self._state, self._on_lost = held, state, on_lost

    def run(self, clock: Callable[[], datetime], stop: Stop) -> None:
        """Renews the lease every minute until `stop` is set."""
        while not stop.is_set():
            self.renew(clock())
            stop.wait(EVERY_S)

    def renew(self, now: datetime) -> None:
        """Renews the lease once, unless the harvest is stuck: then another process may take over."""
        archive = self._held()
        if archive is None or not self._state.read().is_alive(now):
            return
        try:
            with archive.another_connection() as connection:
                connection.heartbeat(now)
        except Locked as error:
            self._on_lost(archive, error)
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            self._state.change(lease_error=as_ours(error).message)
        else:
            self._state.change(lease_error=None)
