"""Keeps an index up to date while the service runs, in a thread of its own: no index ever holds up the harvest."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from archiver.archive import ArchiveFile
from archiver.errors import ArchiverError, StoreDenied, StoreError, StoreOutdated
from archiver.index import Applied, StoreAdmin, catch_up, check_whole, rebuild
from archiver.logs import EventLogger
from archiver.progress import Silent
from archiver.service.state import ServiceState
from archiver.service.waiting import Backoff, Stop, Stopped, as_ours, is_due

_log = EventLogger("service")
MOST_AT_ONCE = 5_000  # conversations: after as many, the position is stored and shown
_CHECK_EVERY = timedelta(seconds=30)  # whether the index still answers and is whole
_MANY_ENTRIES, _INDEX_EVERY, _POLL_S = 2_000, timedelta(seconds=5), 1.0


class Indexer:
    """An index that can't be written is tried again later. `archive` is a connection for this thread alone."""

    def __init__(
        self, archive: ArchiveFile, open_index: Callable[[], StoreAdmin], state: ServiceState, stop: Stop
    ) -> None:  # fmt: skip
        self._archive, self._open, self._state, self._stop = archive, open_index, state, stop
        self._store: StoreAdmin | None = None
        self._backoff = Backoff()
        self._applied: int | None = None
        self._applied_at: datetime | None = None
        self._checked_at: datetime | None = None

    def run(self, clock: Callable[[], datetime]) -> None:
        """Runs until `stop` is set; then ends with the present batch, which the next start applies again."""
        try:
            while not self._stop.is_set():
                if not self.step(clock()):
                    self._stop.wait(_POLL_S)
        except Stopped:
            pass
        finally:
            self.close()
            self._archive.close()

    def step(self, now: datetime) -> bool:
        """Applies some of the vault's new entries, unless there are too few of them yet; whether any were applied."""
        if not self._backoff.is_over(now):
            return False
        try:
            head = self._archive.vault.head()
            must_apply = self._is_due(head, now)
            if must_apply:
                self._apply(head, now)
        except Exception as error:  # noqa: BLE001  (a fault in the program must not end it)
            self._failed(as_ours(error), now)
            return False
        return must_apply

    def _is_due(self, head: int, now: datetime) -> bool:
        if self._applied is None or self._applied > head:
            return True
        if self._applied == head:
            return is_due(self._checked_at, _CHECK_EVERY, now)
        is_recent = self._applied_at is not None and now - self._applied_at < _INDEX_EVERY
        return head - self._applied >= _MANY_ENTRIES or not is_recent

    def _apply(self, head: int, now: datetime) -> None:
        store = self._store = self._store or self._open()
        if self._applied is None:
            self._note_position(store)
        refused = len(self._brought_forward(store).refused)
        if self._state.read().index.error:
            _log.info("index.recovered", "the index can be written again")
        self._note_position(store)
        self._state.change_index(refused=refused, error=None)
        if self._applied is not None and self._applied >= head:
            check_whole(self._archive, store)
            self._state.change_index(caught_up_at=now)
            self._checked_at = now
        self._applied_at = now
        self._backoff.worked()
        _log.debug("index.applied", f"the index is at vault entry {self._applied}", head=self._applied, refused=refused)

    def _note_position(self, store: StoreAdmin) -> None:
        self._applied = store.position().seq
        self._state.change_index(applied=self._applied)

    def _brought_forward(self, store: StoreAdmin) -> Applied:
        try:
            return catch_up(self._archive, store, _Watched(self._stop), most=MOST_AT_ONCE)
        except StoreOutdated as error:
            return self._rebuilt(store, error)

    def _rebuilt(self, store: StoreAdmin, reason: StoreOutdated) -> Applied:
        _log.info("index.rebuilding", f"{reason.message}; rebuilding it from the vault")
        try:
            return rebuild(self._archive, store, _Watched(self._stop, self._show_rebuilt))
        except StoreDenied as error:
            message = f"{reason.message}, and this key may not rebuild them (archiver store prepare): {error.message}"
            raise error.reworded(message=message) from error
        finally:
            self._state.change_index(rebuilt=None)

    def _show_rebuilt(self, count: int) -> None:
        self._state.change_index(rebuilt=count)

    def _failed(self, error: ArchiverError, now: datetime) -> None:
        delay_s = self._backoff.failed(error, now)
        if self._state.read().index.error != error.message:
            message = f"{error.message}; harvesting continues, the index is tried again in {delay_s:.0f} s"
            _log.warning("index.failed", message, code=error.code, wait_s=delay_s)
        self._state.change_index(error=error.message)
        self.close()

    def close(self) -> None:
        """Closes the index; the next step opens it again."""
        if self._store:
            with suppress(StoreError):
                self._store.close()
        self._store = None


class _Watched(Silent):
    """Ends the work between two batches when the service stops, and tells how many conversations are done."""

    def __init__(self, stop: Stop, tell: Callable[[int], None] = lambda count: None) -> None:
        self._stop, self._tell, self._done = stop, tell, 0

    def advance(self, count: int = 1, **counts: int | str) -> None:
        if self._stop.is_set():
            raise Stopped
        self._done += count
        self._tell(self._done)
