"""Looks at new entries with the saved searches while the service runs, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo

from archiver.alerts import Teller, evaluate
from archiver.archive import ArchiveFile
from archiver.config import MailServer
from archiver.logs import EventLogger
from archiver.service.waiting import Backoff, Stop, as_ours

_log = EventLogger("alerts")
_POLL_S = 1.0


class Alerter:
    """`archive` is a connection for this thread alone. What fails is tried again later, and holds up no harvest."""

    def __init__(self, archive: ArchiveFile, zone: tzinfo, mail: MailServer | None, stop: Stop) -> None:
        self._archive, self._zone, self._mail, self._stop = archive, zone, mail, stop
        self._backoff = Backoff()

    def run(self, clock: Callable[[], datetime]) -> None:
        """Runs until `stop` is set."""
        teller = Teller(self._archive, clock, self._mail)
        try:
            while not self._stop.is_set():
                now = clock()
                if self._backoff.is_over(now) and not self._step(teller, now):
                    self._stop.wait(_POLL_S)
        finally:
            self._archive.close()

    def _step(self, teller: Teller, now: datetime) -> bool:
        """Whether there was something to do."""
        try:
            told = teller.tell(self._stop.is_set)  # first: what can't be looked at holds up nothing that was found
            found = evaluate(self._archive, now, self._zone)
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            ours = as_ours(error)
            delay_s = self._backoff.failed(ours, now)
            _log.warning("alerts.failed", f"{ours.message}; saved searches are looked at again in {delay_s:.0f} s")
            return False
        self._backoff.worked()
        return found > 0 or told > 0
