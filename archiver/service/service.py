"""The loop of one account's continuous harvest: the next step of the most urgent lane, with waits in between.

A lane that fails is tried again after growing delays, while the others go on. Refused credentials make all of them wait
until a request shows that they are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from archiver.errors import ArchiverError, AuthError, ConfigError, Locked
from archiver.harvest import Ingest
from archiver.logs import EventLogger
from archiver.service.schedule import Lane
from archiver.service.waiting import Backoff, Gate, Stop, as_ours, is_about_archive, wait_for_all

_log = EventLogger("service")
IDLE_S = 0.5
_HEAD_EVERY = timedelta(hours=1)


class Service:
    """Runs until `stop` is set. `prove_access` makes one request that LivePerson refuses if it refuses all."""

    def __init__(
        self, ingest: Ingest, lanes: Sequence[Lane], gate: Gate, stop: Stop, *,
        prove_access: Callable[[datetime], object], on_tick: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._ingest, self._lanes, self._gate, self._stop = ingest, lanes, gate, stop
        self._prove_access, self._on_tick = prove_access, on_tick
        self._state = gate.state
        self._is_refused = False
        self._backoff = {lane.name: Backoff() for lane in lanes}
        self._head_noted_at: datetime | None = None

    def run(self) -> None:
        """Runs as the archive's one harvester (`Ingest.exclusive`). Raises ArchiveError if the archive can't be used,
        Locked if another process has taken over, ConfigError for settings that turn out to be wrong.
        """
        _log.info("service.started", "harvesting continuously", account=self._ingest.archive.account)
        while not self._stop.is_set():
            self.tick()
        self._note_head()

    def _note_head(self) -> None:
        """Logs the heads of the vault and of the audit log: in a log that is kept elsewhere they prove that nothing was
        cut off before.
        """
        head = self._ingest.archive.vault.noted_head()
        account, audit = self._ingest.archive.account, self._ingest.archive.audit.head()
        _log.info("archive.head", f"the vault's head is {head}", head=head, account=account)
        if audit.seq:
            _log.info("audit.head", f"the audit log's head is {audit}", head=str(audit), account=account)

    def tick(self) -> None:
        """One step of the most urgent lane that has work; or a short wait."""
        now = self._ingest.steady()
        self._state.change(heartbeat_at=self._ingest.clock())
        is_busy = self._may_work(now) and self._step(now)
        self._state.change(entries_made=self._ingest.new, clock=self._ingest.source.time_fault())
        self._on_tick()
        if self._head_noted_at is None or now - self._head_noted_at >= _HEAD_EVERY:
            self._note_head()
            self._head_noted_at = now
        if not is_busy:
            self._stop.wait(IDLE_S)

    def _may_work(self, now: datetime) -> bool:
        """Whether the lanes may work. While credentials are refused, one request shows whether they still are."""
        if not self._is_refused:
            return True
        if not self._gate.is_due(now):
            return False
        try:
            self._prove_access(self._ingest.clock())
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            self._wait_for_all(as_ours(error))
            return False
        self._is_refused = False
        self._gate.open(now, is_proven=True)
        _log.info("account.resumed", "LivePerson accepts the credentials again; the harvest goes on")
        return True

    def _step(self, now: datetime) -> bool:
        """Whether a lane did something. A lane that failed waits; the others go on."""
        for lane in self._lanes:
            if not self._backoff[lane.name].is_over(now):
                continue
            try:
                is_busy = lane.step(now)
            except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
                self._failed(lane.name, as_ours(error))
                if self._is_refused:
                    return False
                continue
            if is_busy:
                self._state.count_step(lane.name, self._ingest.clock())
                self._backoff[lane.name].worked()
                return True
        return False

    def _failed(self, name: str, error: ArchiverError) -> None:
        """Decides when the lane is tried again. Raises the error if it concerns the archive or the settings."""
        self._state.count_failure(name, error)
        if isinstance(error, ConfigError | Locked) or is_about_archive(error):
            raise error
        delay_s = self._backoff[name].failed(error, self._ingest.steady())
        message = f"{name}: {error.message}; going on in {delay_s:.0f} s"
        _log.warning("lane.failed", message, lane=name, code=error.code, wait_s=delay_s)
        if isinstance(error, AuthError):
            self._wait_for_all(error)

    def _wait_for_all(self, error: ArchiverError) -> None:
        self._is_refused = True
        wait_for_all(self._gate, error, self._ingest.steady())
