"""The condition of an index, as far as it can be told in milliseconds: without comparing its contents."""

from __future__ import annotations

from archiver.archive import ArchiveFile
from archiver.errors import StoreDenied, StoreError, StoreOutdated
from archiver.index.build import is_behind
from archiver.index.readiness import check_whole
from archiver.index.store import StoreAdmin, StoreStatus
from archiver.value import replace


def index_status(archive: ArchiveFile, store: StoreAdmin) -> StoreStatus:
    """What the index is, with its faults: its own, those against the vault's history, and counts that do not add up.
    Raises StoreError if it can't be asked.
    """
    status = store.status()
    if status.faults or not status.is_current:
        return status
    try:
        if not is_behind(archive, store):
            check_whole(archive, store)
    except StoreOutdated:
        return status
    except StoreError as error:
        if error.transient or isinstance(error, StoreDenied):
            raise
        return replace(status, faults=(f"{error.message}. {error.hint or ''}".rstrip(),))
    return status
