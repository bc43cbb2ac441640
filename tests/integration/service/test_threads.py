"""What goes on in other threads while the harvest is busy: its lease, the counts for health, the end."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from archiver.app import Archive
from archiver.archive.connection import FILE
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark, WindowReading, WindowState
from archiver.archive.opening import make_archive, open_archive
from archiver.config.settings import load
from archiver.errors import Locked
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.received import Conversation
from archiver.service import waiting
from archiver.service.counts import Counter, count_archive
from archiver.service.follower import Follower
from archiver.service.schedule import Schedule
from archiver.windows import retention
from tests.conftest import ACCOUNT, NOW, record, sql
from tests.nodes import free_port
from tests.services import until

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERYTHING = Schedule()


def keep(archive: ArchiveFile, *ids: str) -> None:
    items = [read_record(record(id_, NOW - DAY, "hello")) for id_ in ids]
    archive.keep([item for item in items if isinstance(item, Conversation)], (), NOW)


# ── the lease ──


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Archive]:
    """An account whose LivePerson accepts connections and never answers."""
    make_archive(tmp_path / "archive", ACCOUNT).close()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        settings = {
            "archive": str(tmp_path / "archive"), "account": ACCOUNT, "client_id": "id", "client_secret": "secret",
            "domain_url": f"http://127.0.0.1:{server.getsockname()[1]}",
        }  # fmt: skip
        with Archive(load(settings, {}, None, ())) as archive:
            yield archive


@pytest.fixture
def unreachable(tmp_path: Path) -> Iterator[Archive]:
    """An account whose LivePerson is out of reach."""
    make_archive(tmp_path / "archive", ACCOUNT).close()
    settings = {
        "archive": str(tmp_path / "archive"), "account": ACCOUNT, "client_id": "id", "client_secret": "secret",
        "domain_url": f"http://127.0.0.1:{free_port()}",
    }  # fmt: skip
    with Archive(load(settings, {}, None, ())) as archive:
        yield archive


def test_the_lease_is_renewed_while_liveperson_does_not_answer(
    hanging: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.service.lease.EVERY_S", 0.05)
    monkeypatch.setattr("archiver.service.run._END_WITHIN_S", 0.2)
    follower = Follower(hanging, EVERYTHING, is_alone=True)
    follower.prepare()
    follower.start()
    beats = set[str]()

    def have_passed() -> bool:
        beats.update(row[0] for row in sql(hanging.file, "SELECT beat_at FROM lease"))
        return len(beats) > 5

    until(have_passed)
    follower.end(by_s=0.0)
    with open_archive(hanging.file.folder) as other:
        other.acquire_lease(hanging.now())  # it was given back, although a request is still open
        with pytest.raises(Locked):
            hanging.file.heartbeat(hanging.now())  # and what comes back from that request can't be kept


def test_one_of_several_accounts_waits_for_whoever_took_its_lease_and_goes_on_after_that(
    unreachable: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.service.lease.EVERY_S", 0.05)
    monkeypatch.setattr("archiver.service.waiting.HARMLESS", waiting._policy(0.3))
    follower = Follower(unreachable, EVERYTHING, is_alone=False)
    follower.prepare()
    follower.start()
    until(lambda: follower._held is not None)
    with open_archive(unreachable.file.folder) as other:
        sql(other, "UPDATE lease SET holder = 'another', host = 'elsewhere'")
        until(lambda: (pause := follower.state_now().pause) is not None and pause.attempts > 1)
        pause = follower.state_now().pause
        assert pause is not None
        assert (pause.code, follower.failure) == ("locked", None)
        assert pause.attempts < 20  # it waits between two attempts
        sql(other, "DELETE FROM lease")
    until(lambda: follower.state_now().pause is None)
    assert follower.is_running
    follower.end(by_s=0.0)


def test_a_single_account_ends_when_its_lease_is_taken_while_it_waits_for_liveperson(
    unreachable: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("archiver.service.lease.EVERY_S", 0.05)
    follower = Follower(unreachable, EVERYTHING, is_alone=True)
    follower.prepare()
    follower.start()
    until(lambda: follower._held is not None)
    sql(unreachable.file, "UPDATE lease SET holder = 'another', host = 'elsewhere'")
    until(lambda: not follower.is_running)
    assert isinstance(follower.failure, Locked)
    assert "taken over" in str(follower.state_now().ended)
    follower.end(by_s=0.0)


# ── counts ──


def test_counts_are_what_was_kept_last_also_while_the_harvest_is_within_a_transaction(archive: ArchiveFile) -> None:
    counter = Counter(archive.another_connection, EVERYTHING, clock_s=iter(range(0, 10_000, 100)).__next__)
    keep(archive, "one")
    assert (counts := counter.read(NOW).counts) is not None
    assert counts.head == 1
    with archive._transaction():
        archive._vault.append([_conversation("two")], fetched_at=NOW)
        for _ in range(30):
            assert (counts := counter.read(NOW).counts) is not None
            assert counts.head == 1
    archive.set_bookmark(Bookmark.TAILED, NOW)
    for _ in range(30):
        observation = counter.read(NOW)
    assert observation.counts is not None
    assert (observation.counts.head, observation.tailed_at) == (2, NOW)
    counter.close()


def _conversation(id_: str) -> Conversation:
    item = read_record(record(id_, NOW - DAY, "hello"))
    assert isinstance(item, Conversation)
    return item


@pytest.mark.parametrize(("took_s", "kept_s"), [(0.0, 2.0), (0.01, 2.0), (1.0, 20.0)])
def test_counting_takes_a_twentieth_of_the_time_at_most(archive: ArchiveFile, took_s: float, kept_s: float) -> None:
    seconds = 0.0

    def connect() -> ArchiveFile:
        nonlocal seconds
        seconds += took_s
        return archive.another_connection()

    counter = Counter(connect, EVERYTHING, clock_s=lambda: seconds)
    counter.read(NOW)
    keep(archive, "one")
    seconds += kept_s - 0.001
    assert (counts := counter.read(NOW).counts) is not None
    assert counts.head == 0
    seconds += 0.002
    assert (counts := counter.read(NOW).counts) is not None
    assert counts.head == 1
    counter.close()


def test_an_archive_that_can_t_be_read_is_said_and_read_again_later(archive: ArchiveFile) -> None:
    seconds = 0.0
    counter = Counter(archive.another_connection, EVERYTHING, clock_s=lambda: seconds)
    away = archive.folder / "away"
    (archive.folder / FILE).rename(away)
    observation = counter.read(NOW)
    assert observation.counts is None
    assert "is gone" in str(observation.error)
    away.rename(archive.folder / FILE)
    seconds = 3.0
    assert counter.read(NOW).counts is not None
    counter.close()


def test_what_lies_before_the_first_day_that_was_asked_for_is_not_about_to_be_lost(archive: ArchiveFile) -> None:
    edge = retention(NOW).start
    assert count_archive(archive, EVERYTHING, NOW).hours_left == pytest.approx(0, abs=0.5)
    later = count_archive(archive, Schedule(since=edge + 10 * DAY), NOW)
    assert later.hours_left == 240
    assert later.gaps == 1  # they are gaps nevertheless
    window = Window(edge + 20 * DAY, edge + 21 * DAY)
    unproven = WindowReading(window, WindowState.UNPROVEN, 1, 0, 0, 0, "", "LivePerson failed")
    archive.record([unproven], run=None, now=NOW)
    assert count_archive(archive, Schedule(since=edge + 10 * DAY), NOW).unproven_hours_left == 480
    archive.set_bookmark(Bookmark.TAILED, NOW, target=edge + 5 * DAY)  # another harvest was told to read more
    assert count_archive(archive, Schedule(since=edge + 10 * DAY), NOW).hours_left == 120


# ── the end ──


def test_a_wait_of_hours_ends_when_the_service_does_and_shows_meanwhile_that_it_lives(hanging: Archive) -> None:
    follower = Follower(hanging, EVERYTHING, is_alone=True)
    before = follower.state_now().heartbeat_at
    thread = threading.Thread(target=_ignoring_the_end, args=(follower,), daemon=True)
    thread.start()
    until(lambda: follower.state_now().heartbeat_at > before)
    follower.stop()
    thread.join(10)
    assert not thread.is_alive()


def _ignoring_the_end(follower: Follower) -> None:
    try:
        follower._sleep(7_200)
    except BaseException:  # noqa: BLE001
        return
