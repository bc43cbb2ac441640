"""One SQLite file: whose it is, full disks, damage, two processes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from archiver import chain
from archiver.archive import Archive, make_archive, open_archive
from archiver.errors import ArchiveError, ConfigError, IntegrityError, NotFound
from archiver.harvest import Harvest
from archiver.liveperson.answers import read_record
from archiver.model import Conversation, Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from tests.conftest import ACCOUNT, NOW, connected, record


def conversation(raw: bytes) -> Conversation:
    read = read_record(raw)
    assert isinstance(read, Conversation)
    return read


def keep(archive: Archive, *raws: bytes) -> int:
    with archive.transaction():
        return archive.vault.append([conversation(raw) for raw in raws], fetched_at=NOW)


def test_an_archive_of_another_account_is_refused(archive: Archive) -> None:
    with pytest.raises(ConfigError, match=ACCOUNT):
        make_archive(archive.folder, "999")


def test_a_folder_that_is_no_archive_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    for attempt in (lambda: open_archive(tmp_path), lambda: make_archive(tmp_path, ACCOUNT)):
        with pytest.raises(ConfigError):
            attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    import sqlite3

    connection = sqlite3.connect(tmp_path / "archive.sqlite3")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(ConfigError):
        open_archive(tmp_path)


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(archive: Archive, simulator: Simulator) -> None:
    noise = [os.urandom(4000).hex() for _ in range(150)]
    simulator.world.fill(record(f"c{n}", NOW - timedelta(hours=n), text) for n, text in enumerate(noise))
    harvest = Harvest(connected(simulator, simulator), archive, clock=lambda: NOW, progress=Silent())
    (pages,) = archive._connection.execute("PRAGMA page_count").fetchone()
    archive._connection.execute(f"PRAGMA max_page_count = {pages + 100}")
    with pytest.raises(ArchiveError) as caught:
        harvest.run(Window(NOW - timedelta(days=8), NOW))
    assert "disk is full" in str(caught.value.hint)
    kept = archive.vault.totals()[0]
    assert 0 < kept < 150
    archive._connection.execute("PRAGMA max_page_count = 1000000")
    harvest.run(Window(NOW - timedelta(days=8), NOW))
    assert archive.vault.totals() == (150, 150)
    assert list(chain.faults(archive.vault.entries())) == []


def test_what_fails_in_the_middle_leaves_nothing_behind(archive: Archive) -> None:
    with pytest.raises(KeyboardInterrupt), archive.transaction():
        archive.vault.append([conversation(record("c", NOW))], fetched_at=NOW)
        raise KeyboardInterrupt
    assert archive.vault.head() == 0
    assert keep(archive, record("d", NOW)) == 1


def test_a_reader_sees_whole_pages_only_while_another_process_writes(archive: Archive) -> None:
    with open_archive(archive.folder) as reader:
        with archive.transaction():
            archive.vault.append([conversation(record("c", NOW))], fetched_at=NOW)
            assert reader.vault.head() == 0
        assert reader.vault.head() == 1


def test_a_damaged_body_is_named_never_shown(archive: Archive) -> None:
    keep(archive, record("c", NOW, "hello"), record("d", NOW, "world"))
    (body,) = archive._connection.execute("SELECT body FROM bodies WHERE seq = 1").fetchone()
    for damaged in (body[:-3], body[:20] + bytes([body[20] ^ 1]) + body[21:]):
        archive._connection.execute("UPDATE bodies SET body = ? WHERE seq = 1", (damaged,))
        with pytest.raises(IntegrityError) as caught:
            archive.vault.current("c")
        assert caught.value.seq == 1
    other = archive._connection.execute("SELECT salt, body FROM bodies WHERE seq = 2").fetchone()
    archive._connection.execute("UPDATE bodies SET salt = ?, body = ? WHERE seq = 1", other)
    with pytest.raises(IntegrityError):
        archive.vault.current("c")


def test_an_unknown_conversation_is_not_found(archive: Archive) -> None:
    with pytest.raises(NotFound):
        archive.vault.current("nobody")


def test_the_archive_is_closed_to_other_users(archive: Archive) -> None:
    assert archive.folder.stat().st_mode & 0o077 == 0


def test_a_conversation_is_watched_while_it_may_change(archive: Archive) -> None:
    is_open = record("c", NOW, info={"status": "OPEN", "endTimeL": -1})
    with archive.transaction():
        archive.ledger.watch([conversation(is_open), conversation(record("d", NOW))], NOW)
    assert archive.ledger.count_watched() == 1
    with archive.transaction():
        archive.ledger.watch([conversation(record("c", NOW))], NOW)
    assert archive.ledger.count_watched() == 0


def test_an_archive_of_the_first_format_is_brought_to_the_newest(archive: Archive) -> None:
    keep(archive, record("c", NOW, "kept"))
    connection = archive.ledger._connection
    connection.execute("DROP TABLE marks")
    connection.execute("ALTER TABLE watch RENAME COLUMN seen_at TO since")
    connection.execute("INSERT INTO watch VALUES ('c', 'open', '2026-01-01')")
    connection.execute("PRAGMA user_version = 1")
    archive.close()
    with open_archive(archive.folder) as again:
        assert again.ledger.watched(NOW, 10) == ["c"]
        assert again.ledger.marked("swept") is None
        assert b"kept" in again.vault.current("c").raw
        assert list(chain.faults(again.vault.entries())) == []
