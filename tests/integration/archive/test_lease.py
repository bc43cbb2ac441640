"""Which process harvests: one at a time, and not for ever if it dies."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Iterator
from datetime import timedelta

import pytest

from archiver.archive.file import ArchiveFile
from archiver.archive.opening import open_archive
from archiver.errors import Locked
from archiver.liveperson.answers import read_record
from tests.conftest import NOW, record

MINUTE, MOMENT = timedelta(minutes=1), timedelta(microseconds=1)
NOBODY = 2_147_480_000  # no process has such a number


@pytest.fixture
def other(archive: ArchiveFile) -> Iterator[ArchiveFile]:
    """The archive as another process has it open."""
    with open_archive(archive.folder) as opened:
        yield opened


def holder(archive: ArchiveFile, *, pid: int | None = None, host: str | None = None) -> None:
    """As if another process had taken the lease, or one on another machine."""
    connection = sqlite3.connect(archive.folder / "archive.sqlite3", isolation_level=None)
    connection.execute("UPDATE lease SET pid = coalesce(?, pid), host = coalesce(?, host)", (pid, host))
    connection.close()


def test_a_holder_without_a_heartbeat_is_replaced_after_fifteen_minutes_and_not_before(
    archive: ArchiveFile, other: ArchiveFile
) -> None:
    archive.acquire_lease(NOW)
    holder(archive, host="elsewhere")
    for at in (NOW, NOW + MINUTE, NOW + 15 * MINUTE):
        with pytest.raises(Locked, match="on elsewhere"):
            other.acquire_lease(at)
    other.acquire_lease(NOW + 15 * MINUTE + MOMENT)
    with pytest.raises(Locked, match="taken over"):
        archive.heartbeat(NOW + 16 * MINUTE)


def test_a_harvester_that_was_replaced_keeps_no_further_page(archive: ArchiveFile, other: ArchiveFile) -> None:
    archive.acquire_lease(NOW)
    other.acquire_lease(NOW + 16 * MINUTE)
    page = [read_record(record("c", NOW))]
    with pytest.raises(Locked, match="taken over"):
        archive.keep(page, (), NOW + 16 * MINUTE)  # type: ignore[arg-type]
    assert archive.vault.head() == 0


def test_the_fifteen_minutes_begin_anew_with_every_heartbeat(archive: ArchiveFile, other: ArchiveFile) -> None:
    archive.acquire_lease(NOW)
    holder(archive, host="elsewhere")
    for minutes in (10, 20, 30):
        archive.heartbeat(NOW + minutes * MINUTE)
        with pytest.raises(Locked):
            other.acquire_lease(NOW + (minutes + 15) * MINUTE)
    other.acquire_lease(NOW + 45 * MINUTE + MOMENT)


def test_a_living_process_of_this_machine_keeps_its_lease_as_long(archive: ArchiveFile, other: ArchiveFile) -> None:
    archive.acquire_lease(NOW)
    holder(archive, pid=os.getppid())
    with pytest.raises(Locked, match=f"process {os.getppid()} "):
        other.acquire_lease(NOW + 15 * MINUTE)
    other.acquire_lease(NOW + 15 * MINUTE + MOMENT)


@pytest.mark.parametrize(
    "dead",
    [
        {"pid": NOBODY},
        {"pid": os.getppid(), "host": f"{socket.gethostname()} since boot of-before"},  # its number was given anew
        {},  # this process itself: it had the lease, and lost hold of it
    ],
)
def test_a_process_of_this_machine_that_lives_no_more_is_replaced_at_once(
    archive: ArchiveFile, other: ArchiveFile, dead: dict[str, object]
) -> None:
    archive.acquire_lease(NOW)
    holder(archive, **dead)  # type: ignore[arg-type]
    other.acquire_lease(NOW)


def test_a_dead_process_of_another_machine_can_t_be_told_and_keeps_its_lease(
    archive: ArchiveFile, other: ArchiveFile
) -> None:
    archive.acquire_lease(NOW)
    holder(archive, pid=NOBODY, host="elsewhere since boot of-before")
    with pytest.raises(Locked):
        other.acquire_lease(NOW)


def test_a_lease_that_was_given_back_is_free_and_only_its_holder_gives_it_back(
    archive: ArchiveFile, other: ArchiveFile
) -> None:
    archive.acquire_lease(NOW)
    holder(archive, host="elsewhere")
    other.release_lease()
    with pytest.raises(Locked):
        other.acquire_lease(NOW)
    archive.release_lease()
    other.acquire_lease(NOW)


def test_another_connection_of_a_harvester_renews_and_releases_its_lease(
    archive: ArchiveFile, other: ArchiveFile
) -> None:
    archive.acquire_lease(NOW)
    with archive.another_connection() as same:
        same.heartbeat(NOW + 14 * MINUTE)
        holder(archive, host="elsewhere")
        with pytest.raises(Locked, match="another harvest"):
            other.acquire_lease(NOW + 16 * MINUTE)
        same.release_lease()
    other.acquire_lease(NOW + 16 * MINUTE)
    page = [read_record(record("c", NOW))]
    with pytest.raises(Locked, match="taken over"):
        archive.keep(page, (), NOW + 16 * MINUTE)  # type: ignore[arg-type]


def test_a_live_harvester_whose_boot_or_container_is_unknown_is_left_at_work(
    archive: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As inside a unit that hides /proc/sys, or where every container numbers its processes from 1."""
    for hidden in ("_boot", "_process_namespace"):
        with monkeypatch.context() as patch:
            patch.setattr(f"archiver.archive.lease.{hidden}", lambda: "")
            archive.acquire_lease(NOW)
        with open_archive(archive.folder) as other, pytest.raises(Locked):
            other.acquire_lease(NOW + timedelta(minutes=1))
        with open_archive(archive.folder) as later:
            later.acquire_lease(NOW + timedelta(minutes=16))
            later.release_lease()


def test_the_same_process_number_in_another_container_is_another_process(
    archive: ArchiveFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("archiver.archive.lease._process_namespace", lambda: "4026532221")
        archive.acquire_lease(NOW)
    with open_archive(archive.folder) as other, pytest.raises(Locked):
        other.acquire_lease(NOW + timedelta(minutes=1))
