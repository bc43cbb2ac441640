"""Keeps an index up to date while the service runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from archiver.archive import ArchiveFile
from archiver.errors import ArchiverError, IntegrityError, StoreError
from archiver.index import StoreAdmin, bring_up_to_date
from archiver.logs import EventLogger
from archiver.progress import Silent
from archiver.retry import Retries, RetryPolicy, doubling
from archiver.service.state import IndexState, ServiceState

_log = EventLogger("service")
_MANY_ENTRIES, _INDEX_EVERY = 2_000, timedelta(seconds=5)
# An index that is unreachable or blocked is retried for ever: harvesting does not need it.
_RETRIES = RetryPolicy(delays_s=doubling(15.0, 600.0), is_worth_it=lambda error: True)


class Indexer:
    """An index that can't be written is retried later and stops nothing."""

    def __init__(self, archive: ArchiveFile, open_index: Callable[[], StoreAdmin], state: ServiceState) -> None:
        self._archive, self._open, self._state = archive, open_index, state
        self._store: StoreAdmin | None = None
        self._retries = Retries(_RETRIES)
        self._retry_at: datetime | None = None
        self._applied: int | None = None
        self._applied_at: datetime | None = None

    def step(self, now: datetime, *, is_idle: bool) -> bool:
        """Applies the vault's new entries, unless there are too few of them yet; whether any were applied."""
        head = self._archive.vault.head()
        if not self._is_due(head, now, is_idle=is_idle):
            return False
        try:
            self._apply(head)
        except (StoreError, IntegrityError) as error:
            self._failed(error, now)
            return False
        self._applied_at = now
        return True

    def _is_due(self, head: int, now: datetime, *, is_idle: bool) -> bool:
        if self._retry_at and now < self._retry_at:
            return False
        if self._applied is None:
            return True
        is_recent = self._applied_at is not None and now - self._applied_at < _INDEX_EVERY
        behind = head - self._applied
        return behind > 0 and (is_idle or behind >= _MANY_ENTRIES or not is_recent)

    def _apply(self, head: int) -> None:
        self._store = self._store or self._open()
        refused = bring_up_to_date(self._archive, self._store, Silent()).refused
        if self._state.read().index.error:
            _log.info("index.recovered", "the index can be written again")
        self._applied = head
        self._retries.progressed()
        self._retry_at = None
        self._state.change(index=IndexState(head, len(refused)))
        _log.debug("index.applied", f"the index is at vault entry {head}", head=head, refused=len(refused))

    def _failed(self, error: ArchiverError, now: datetime) -> None:
        delay_s = self._retries.delay_after(error)
        self._retry_at = now + timedelta(seconds=delay_s)
        before = self._state.read().index
        if before.error != error.message:
            message = f"{error.message}; harvesting continues, the index is tried again in {delay_s:.0f} s"
            _log.warning("index.failed", message, code=error.code, wait_s=delay_s)
        self._state.change(index=IndexState(self._applied, before.refused, error.message))
        self.close()

    def close(self) -> None:
        """Closes the index; the next step opens it again."""
        if self._store:
            with suppress(StoreError):
                self._store.close()
        self._store = None
