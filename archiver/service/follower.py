"""The continuous harvest of one account: its threads, and what happens when it can't begin or loses its lease."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from typing import Protocol

from archiver.archive import ArchiveFile
from archiver.config import Settings, mail_server
from archiver.errors import ArchiverError, ConfigError, Locked
from archiver.harvest import Ingest, WindowReader
from archiver.index import StoreAdmin, open_store
from archiver.liveperson import CONTENT, CallSettings, Client
from archiver.logs import EventLogger
from archiver.progress import Silent
from archiver.service.alerter import Alerter
from archiver.service.counts import Counter
from archiver.service.indexer import Indexer
from archiver.service.lanes import make_lanes
from archiver.service.lease import LeaseKeeper
from archiver.service.schedule import Schedule
from archiver.service.service import Service
from archiver.service.state import ServiceState, Snapshot
from archiver.service.waiting import Gate, Stopped, as_ours, steady_clock, wait_for_all
from archiver.value import replace

_log = EventLogger("service")
_SHORTEST_FRESHNESS = timedelta(minutes=30)
_TRIES = 3  # per call: the service itself waits longer
_SIGN_OF_LIFE_S = 10.0


class Parts(Protocol):
    """The parts of one account from which its harvest is assembled (by `archiver.app.Archive`)."""

    settings: Settings

    @property
    def exists(self) -> bool: ...

    def client(
        self, *, calls: CallSettings | None = None, on_answer: Callable[[str], None] | None = None
    ) -> Client: ...  # fmt: skip

    def make_for(self, client: Client) -> ArchiveFile: ...

    def open_store(self) -> StoreAdmin: ...

    def now(self) -> datetime: ...

    def clock_of(self, client: Client) -> Callable[[], datetime]: ...

    def close(self) -> None: ...


class Follower:
    """Harvests one account in threads of its own until it is stopped. With `is_alone`, another harvester of its archive
    ends it; one of several accounts waits until that has finished. `failure`: the error that ended it.
    """

    def __init__(self, parts: Parts, schedule: Schedule, *, is_alone: bool) -> None:
        self._parts, self._schedule, self._is_alone = parts, schedule, is_alone
        account, now = parts.settings.account, parts.now()
        self._clock, self._steady = parts.now, steady_clock(now)
        fresh_within = max(3 * schedule.every, _SHORTEST_FRESHNESS)
        self._state = ServiceState(Snapshot(account, fresh_within, now, now, profile=parts.settings.profile))
        self._gate = Gate(self._state)
        self._stopping = threading.Event()
        self._archive: ArchiveFile | None = None
        self._held: ArchiveFile | None = None  # while this process is its harvester
        self._counter: Counter | None = None
        self._lost: Locked | None = None
        self._helpers: list[threading.Thread] = []
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"harvest of {account}")
        self.failure: ArchiverError | None = None

    # ── for whoever runs it ──

    def prepare(self) -> None:
        """Checks the settings and takes the lease of an archive that exists; asks nobody over the network. Raises
        ConfigError, and Locked for a single account. Everything else is tried again.
        """
        calls = CallSettings(sleep=self._sleep).with_tries(_TRIES)
        self._client = self._parts.client(calls=calls, on_answer=self._state.count_answer)
        settings = self._parts.settings
        _ = settings.depth  # raises ConfigError
        open_store(settings.store, folder=settings.archive, archive_id="").close()  # its address is checked
        try:
            if self._parts.exists:
                self._open()
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            self._wait_after(as_ours(error))

    def start(self) -> None:
        """Starts its threads."""
        self._thread.start()

    def stop(self) -> None:
        """Ends its waits; a request or a batch that is being written is finished first."""
        self._stopping.set()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def end(self, by_s: float) -> None:
        """Stops it by a moment of the monotonic clock, and gives its lease back. A thread within a request that is not
        answered can't be ended; without the lease it can write no more.
        """
        self.stop()
        for thread in (self._thread, *self._helpers):
            if thread.is_alive():
                thread.join(max(by_s - time.monotonic(), 0.1))
        if self._archive:
            with suppress(ArchiverError), self._archive.another_connection() as other:
                other.release_lease()
        if self._counter:
            self._counter.close()

    # ── for health ──

    def now(self) -> datetime:
        """LivePerson's time, as well as it is known."""
        return self._clock()

    def state_now(self) -> Snapshot:
        return self._state.read()

    def observed(self, now: datetime) -> Snapshot:
        state = self._state.read()
        return replace(state, archive=self._counter.read(now)) if self._counter else state

    # ── the harvest ──

    def is_set(self) -> bool:
        """Whether the present harvest is to end."""
        return self._stopping.is_set() or self._lost is not None

    def wait(self, timeout: float) -> object:
        return self._stopping.wait(timeout)

    def _run(self) -> None:
        with closing(self._client):
            while not self._stopping.is_set() and not self.failure:
                error = self._broken_off_by()
                if error and not self._stopping.is_set():
                    self._after(error)

    def _broken_off_by(self) -> ArchiverError | None:
        """Harvests; why that was broken off."""
        self._lost = None
        try:
            self._harvest()
        except Stopped:
            pass
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            return as_ours(error)
        return self._lost

    def _after(self, error: ArchiverError) -> None:
        """After the harvest was broken off: its end, or a pause."""
        try:
            self._wait_after(error)
        except ArchiverError as final:
            self.failure = final
            self._state.change(ended=final.message)
            _log.error("account.ended", f"not harvested any more: {final.message}", code=final.code)

    def _wait_after(self, error: ArchiverError) -> None:
        """Decides about the next attempt. Raises the error if there is to be none."""
        if isinstance(error, ConfigError) or (isinstance(error, Locked) and self._is_alone):
            raise error
        self._parts.close()  # SQLite opens a file that is read-only at the time for reading alone, for ever
        wait_for_all(self._gate, error, self._steady())

    def _harvest(self) -> None:
        """From the opening of the archive until it is stopped, or the lease is lost."""
        while not self._gate.is_due(self._steady()):
            self._sleep(1.0)
        archive = self._open()
        ingest = Ingest(
            self._client, archive, clock=self.now, progress=Silent(), steady=self._steady,
            depth=self._parts.settings.depth,
        )  # fmt: skip
        with ingest.exclusive():
            self._held = archive
            try:
                self._gate.open(self._steady(), is_proven=False)
                self._start_helpers(archive)
                self._service(ingest).run()
            finally:
                self._held = None

    def _open(self) -> ArchiveFile:
        """The archive with its lease. A new one is made after a request that proves the account."""
        archive = self._archive = self._parts.make_for(self._client)
        self._clock = self._parts.clock_of(self._client)
        self._counter = self._counter or Counter(archive.another_connection, self._schedule)
        archive.acquire_lease(self.now())
        return archive

    def _service(self, ingest: Ingest) -> Service:
        lanes = make_lanes(ingest, WindowReader(ingest, content=",".join(CONTENT)), self._schedule)
        return Service(ingest, lanes, self._gate, self, prove_access=self._client.prove_access)

    def _start_helpers(self, archive: ArchiveFile) -> None:
        """The threads that renew the lease, write the index and look at saved searches, once."""
        if self._helpers:
            return
        keeper = LeaseKeeper(lambda: self._held, self._state, self._lose)
        indexer = Indexer(archive.another_connection(), self._parts.open_store, self._state, self._stopping)
        settings = self._parts.settings
        alerter = Alerter(archive.another_connection(), settings.zone, mail_server(settings), self._stopping)
        clock = self.now
        self._helpers = [
            threading.Thread(target=keeper.run, args=(clock, self._stopping), daemon=True, name="lease"),
            threading.Thread(target=indexer.run, args=(clock,), daemon=True, name="index"),
            threading.Thread(target=alerter.run, args=(clock,), daemon=True, name="alerts"),
        ]
        for helper in self._helpers:
            helper.start()

    def _lose(self, archive: ArchiveFile, error: Locked) -> None:
        """Ends the present harvest, if it is the one whose lease was lost."""
        if archive is self._held:
            self._lost = error

    def _sleep(self, seconds: float) -> None:
        """Waits, and shows meanwhile that the harvest is alive. Raises Stopped when it is to end."""
        while seconds > 0 and not self.is_set():
            self._state.change(heartbeat_at=self.now())
            self.wait(min(seconds, _SIGN_OF_LIFE_S))
            seconds -= _SIGN_OF_LIFE_S
        if self.is_set():
            raise Stopped
