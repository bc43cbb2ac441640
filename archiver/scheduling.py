"""Makes scheduled exports when they are due."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

from archiver.access import Action
from archiver.app import Archive
from archiver.archive import ScheduledExport
from archiver.destinations import is_delivered, is_remote, upload
from archiver.errors import ArchiverError, ConfigError, NotFound, counted
from archiver.index import refuse
from archiver.logs import EventLogger
from archiver.packaging import Wanted, write_folder
from archiver.private import make_private_folder
from archiver.progress import Progress, Silent
from archiver.query import Query

_log = EventLogger("scheduled")
_SPOOL = "exports"  # below the archive's folder: a folder for each, with what is on its way to a store elsewhere
_AGAIN_AFTER = timedelta(minutes=10)
_FAR = timedelta(days=400)  # so far apart, two moments read every relative date otherwise
_POLL_S = 5.0
_STAMP = "%Y-%m-%dT%H%M%SZ"


def make_due(archive: Archive, progress: Progress | None = None) -> int:
    """Makes every export that is due once, each for the moment when it was due; how many. What fails is noted, logged
    and tried again after ten minutes. Raises ArchiveError if the archive can't be written.
    """
    made = 0
    for item in archive.file.scheduled.all():
        if not item.is_due(archive.now()):
            continue
        try:
            with _alone(archive, item.name) as is_alone:
                made += is_alone and _make_again(archive, item.name, progress or Silent())
        except OSError as error:  # of one, which may not stop the others
            _log.warning("export.failed", f"the scheduled export {item.name!r} could not be begun: {error}")
    return made


def _make_again(archive: Archive, name: str, progress: Progress) -> bool:
    """Makes what is due still, as it is now, after another process may have had it; whether it is made."""
    try:
        item = archive.file.scheduled.one(name)
    except NotFound:
        return False
    now = archive.now()
    if not item.is_due(now):
        return False
    if _is_relative(archive, item):
        moment = item.present_beat(now)
        following = moment + item.every
        if left_out := (moment - item.beat) // item.every:
            _log.warning("export.missed", f"{left_out:,} exports of {item.name!r} were missed, and are left out")
    else:  # what was missed is made once
        following = item.beat_after(now)
        moment = following - item.every
    return _make(archive, item, moment, following, progress) is not None


def make_now(archive: Archive, name: str, progress: Progress) -> str | None:
    """Makes one now, beside its beat; where it is, or None if it could not be made. Raises NotFound, ConfigError."""
    item = archive.file.scheduled.one(name)
    with _alone(archive, name) as is_alone:
        if not is_alone:
            raise ConfigError(f"{name} is being made by another process", hint="Wait for it: archiver scheduled list")
        return _make(archive, item, archive.now(), item.beat, progress)


def _make(
    archive: Archive, item: ScheduledExport, moment: datetime, following: datetime, progress: Progress
) -> str | None:
    """Makes one as if it were that moment: `yesterday` is the day before it. Where it is, or None; then it is due at
    `following`.
    """
    place = f"{item.destination}/{item.name}-{moment:{_STAMP}}"
    try:
        remark = None if is_delivered(place) else _deliver(archive, item, moment, place, progress)
    except Exception as error:  # noqa: BLE001  (stores raise what they like, and none may end the service)
        told = error.message if isinstance(error, ArchiverError) else f"{type(error).__name__}: {error}"
        due_at = archive.now() + _AGAIN_AFTER if item.is_due(archive.now()) else item.due_at
        archive.file.scheduled.failed(item, due_at=due_at, remark=f"FAILED: {told[:500]}")
        _log.warning("export.failed", f"the scheduled export {item.name!r} could not be made: {told[:200]}")
        return None
    if remark:
        _log.warning("export.short", f"the scheduled export {item.name!r} is made, but {remark}")
    archive.file.scheduled.made(item, archive.now(), beat=following, remark=remark)
    return place


def _deliver(archive: Archive, item: ScheduledExport, moment: datetime, place: str, progress: Progress) -> str | None:
    """What whoever reads the export has to know; None if it is whole. Raises StoreBusy if the index lacks something."""
    query, is_far = _query_at(archive, item, moment), is_remote(item.destination)
    archive.audit(Action.EXPORT, what="scheduled", query=item.query, format=item.format, output=place)
    total = archive.file.vault.conversations()
    if not query.is_everything:
        search = archive.search(query, limit=0)
        refuse(search.doubts)
        total = search.total
    spool = _spool(archive, item.name)
    _empty(spool)  # of what a kill has left
    folder = spool / place.rpartition("/")[2] if is_far else Path(place)
    wanted = Wanted(folder, item.format, is_replaced=True)  # what an earlier try has left
    try:
        done = write_folder(archive, wanted, query, archive.records_by_start(query), total, progress)
        if is_far:
            upload(folder, place)
    finally:
        _empty(spool)
    refused = () if query.is_everything else archive.refused()
    told = [f"{counted(len(refused), 'conversation')} could not be searched: archiver store status"] if refused else []
    if unreadable := done.exported.unreadable:
        told.append(f"{counted(len(unreadable), 'conversation')} could not be read: unreadable.ndjson")
    return "; ".join(told) or None


def _query_at(archive: Archive, item: ScheduledExport, moment: datetime) -> Query:
    """Its query, in which days such as `yesterday` are those of a moment. Raises QueryError."""
    return archive.parse(item.query, at=moment)


def _is_relative(archive: Archive, item: ScheduledExport) -> bool:
    """Whether each export has days of its own, so that none may be left out."""
    try:
        first, second = (_query_at(archive, item, item.beat - shift).expression for shift in (timedelta(0), _FAR))
    except ArchiverError:
        return False
    return first != second


def _spool(archive: Archive, name: str) -> Path:
    """The folder for what is on its way."""
    return archive.file.folder / _SPOOL / name


def _empty(spool: Path) -> None:
    for left in spool.iterdir():
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _alone(archive: Archive, name: str) -> Iterator[bool]:
    """Whether no other process makes the export of this name within the context. A kill ends it."""
    spool = _spool(archive, name)
    make_private_folder(spool.parent)
    make_private_folder(spool)
    lock = os.open(spool, os.O_RDONLY)
    try:
        yield _is_locked(lock)
    finally:
        os.close(lock)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


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
                except Exception as error:  # noqa: BLE001  (one may not end the others)
                    _log.warning("exports.failed", f"scheduled exports wait: {type(error).__name__}: {error}")
