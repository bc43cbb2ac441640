"""Makes scheduled exports when they are due, and delivers them to a folder or an object store."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import ScheduledExport
from archiver.errors import ArchiveError, ArchiverError, ConfigError, counted
from archiver.logs import EventLogger
from archiver.packaging import Wanted, write_folder
from archiver.progress import Progress, Silent

_log = EventLogger("scheduled")
_SPOOL = "exports"  # below the archive's folder: what is on its way to a store elsewhere
_MARK = "export.json"  # delivered last: a folder that holds it is complete
_AGAIN_AFTER = timedelta(minutes=10)
_LEFT_AFTER = timedelta(days=1)
_POLL_S = 5.0
_OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"))
_STAMP = "%Y-%m-%dT%H%M%SZ"


def is_remote(destination: str) -> bool:
    """Whether a destination is the URL of a store, such as s3://bucket/folder, and no folder of this machine."""
    return "://" in destination


def checked_destination(destination: str) -> str:
    """A destination that can be used, in full. Raises ConfigError."""
    if is_remote(destination):
        if urlsplit(destination).password:
            raise ConfigError("the URL holds a password", hint="Leave it to the library: docs/export.md.")
        _store(destination)
        return destination.rstrip("/")
    path = Path(destination).absolute()
    if not path.is_dir():
        raise ConfigError(f"there is no folder {path}", hint="Make it first, or name s3://bucket/folder.")
    return str(path)


def make_due(archive: Archive, progress: Progress | None = None) -> int:
    """Makes every export that is due; how many. What fails is noted, logged and tried again after ten minutes. Raises
    ArchiveError if the archive can't be written.
    """
    made = 0
    for item in archive.file.scheduled.all():
        if item.due_at <= archive.now() and archive.file.scheduled.claim(item, archive.now() + _AGAIN_AFTER):
            made += make(archive, item, progress or Silent()) is not None
    return made


def make(archive: Archive, item: ScheduledExport, progress: Progress) -> str | None:
    """Makes one now; where it is, or None if it could not be made. When it is due again counts from when it was due."""
    at = archive.now()
    place = f"{item.destination}/{item.name}-{at:{_STAMP}}"
    try:
        remark = _deliver(archive, item, place, progress)
    except Exception as error:  # noqa: BLE001  (stores raise what they like, and none may end the service)
        told = error.message if isinstance(error, ArchiverError) else f"{type(error).__name__}: {error}"
        archive.file.scheduled.note(item, None, due_at=at + _AGAIN_AFTER, remark=f"FAILED: {told[:500]}")
        _log.warning("export.failed", f"the scheduled export {item.name!r} could not be made: {told[:200]}")
        return None
    if remark:
        _log.warning("export.short", f"the scheduled export {item.name!r} is made, but {remark}")
    archive.file.scheduled.note(item, at, due_at=_next(item, at), remark=remark)
    return place


def _next(item: ScheduledExport, at: datetime) -> datetime:
    """The first moment after `at` on the item's own beat."""
    return item.due_at + item.every * max((at - item.due_at) // item.every + 1, 1)


def _deliver(archive: Archive, item: ScheduledExport, place: str, progress: Progress) -> str | None:
    """What whoever reads the export has to know; None if it is whole."""
    query, is_far = archive.parse(item.query), is_remote(item.destination)
    archive.audit(Action.EXPORT, what="scheduled", query=item.query, format=item.format, output=place)
    total = archive.file.vault.conversations() if query.is_everything else archive.search(query, limit=0).total
    folder = _spool(archive, place) if is_far else Path(place)
    try:
        done = write_folder(
            archive, Wanted(folder, item.format), query, archive.records_by_start(query), total, progress
        )
        if is_far:
            _upload(folder, place)
    finally:
        unfinished = folder.with_name(f"{folder.name}.part")  # nothing goes on with it: the next try has another name
        for left in (folder, unfinished) if is_far else (unfinished,):
            shutil.rmtree(left, ignore_errors=True)
    refused = () if query.is_everything else archive.refused()
    if refused:
        return f"{counted(len(refused), 'conversation')} could not be searched: archiver store status"
    if done.exported.unreadable:
        return f"{counted(len(done.exported.unreadable), 'conversation')} could not be read: unreadable.ndjson"
    return None


def _spool(archive: Archive, place: str) -> Path:
    """A folder for what is on its way to a place, without what a killed process has left there more than a day ago."""
    spool = archive.file.folder / _SPOOL
    spool.mkdir(mode=0o700, exist_ok=True)
    for left in spool.iterdir():
        if archive.now().timestamp() - left.stat().st_mtime > _LEFT_AFTER.total_seconds():
            shutil.rmtree(left, ignore_errors=True)
    return spool / place.rpartition("/")[2]


def _upload(folder: Path, url: str) -> None:
    """Uploads every file, at last the one that tells that all are there. Raises ArchiveError for one that differs."""
    store, root = _store(url)
    is_of_objects = url.partition(":")[0] in _OBJECT_STORES  # which have no folders; some would make a bucket
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in sorted(names, key=lambda name: name == _MARK):
        target = f"{root}/{name}"
        if not is_of_objects:
            store.makedirs(target.rpartition("/")[0], exist_ok=True)
        store.put_file(str(folder / name), target)
        size = store.info(target)["size"]
        if size != (folder / name).stat().st_size:
            raise ArchiveError(f"{url}/{name} has {size} bytes", hint="The store has not kept what it was given.")


def _store(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it. Credentials are those of its library: environment or files. Raises
    ConfigError.
    """
    try:
        core = importlib.import_module("fsspec.core")
        found: tuple[Any, str] = core.url_to_fs(url, skip_instance_cache=True)
    except ImportError as error:
        raise ConfigError(
            f"{url} needs a library: {error}", hint="Install it: pip install fsspec, and s3fs, gcsfs, adlfs or paramiko"
        ) from None
    except ValueError as error:
        raise ConfigError(f"{url} can't be used: {error}", hint="Such as s3://bucket/folder") from None
    return found


class Exporter:
    """Makes what is due while a service runs. `make_archive` opens the archive for this thread alone."""

    def __init__(self, make_archive: Callable[[], Archive], stop: Event) -> None:
        self._make_archive, self._stop = make_archive, stop

    def run(self) -> None:
        """Runs until it is told to stop."""
        with self._make_archive() as archive:
            while not self._stop.wait(_POLL_S):
                try:
                    if archive.exists:
                        make_due(archive)
                except ArchiverError as error:
                    _log.warning("exports.failed", f"scheduled exports wait: {error.message}")
