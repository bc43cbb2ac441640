"""One SQLite file: whose it is, full disks, damage, two processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from archiver.archive import chain
from archiver.archive.connection import FILE, connect
from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark, WindowReading, WindowState
from archiver.archive.opening import make_archive, open_archive
from archiver.archive.verify import verify_vault
from archiver.choices import Policies
from archiver.errors import ArchiveError, ConfigError, IntegrityError, NotFound
from archiver.harvest.harvest import Harvest
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.progress import Silent
from archiver.received import Conversation, Unreadable
from archiver.simulator.services import Simulator
from tests.conftest import ACCOUNT, NOW, connected, record, sql
from tests.formats import make_older


def conversation(raw: bytes) -> Conversation:
    read = read_record(raw)
    assert isinstance(read, Conversation)
    return read


def keep(archive: ArchiveFile, *raws: bytes) -> int:
    return archive.keep([conversation(raw) for raw in raws], (), NOW)


def test_an_archive_of_another_account_is_refused(archive: ArchiveFile) -> None:
    with pytest.raises(ConfigError, match=ACCOUNT):
        make_archive(archive.folder, "999")


def test_a_folder_that_is_no_archive_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    for attempt in (lambda: open_archive(tmp_path), lambda: make_archive(tmp_path, ACCOUNT)):
        with pytest.raises(ConfigError):
            attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["letter"]


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "archive.sqlite3")
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(ArchiveError, match="not an archive"):
        open_archive(tmp_path)


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(archive: ArchiveFile, simulator: Simulator) -> None:
    noise = [os.urandom(4000).hex() for _ in range(450)]
    simulator.world.fill(record(f"c{n}", NOW - timedelta(minutes=20 * n), text) for n, text in enumerate(noise))
    connection = connect(archive.folder / FILE)
    limited = ArchiveFile(archive.folder, connection, Policies())
    harvest = Harvest(connected(simulator, simulator), limited, clock=lambda: NOW, progress=Silent())
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 60}")
    with pytest.raises(ArchiveError) as caught:
        harvest.run(Window(NOW - timedelta(days=8), NOW))
    assert "disk is full" in str(caught.value.hint)
    kept = archive.vault.totals()[0]
    assert 0 < kept < 450
    connection.execute("PRAGMA max_page_count = 1000000")
    harvest.run(Window(NOW - timedelta(days=8), NOW))
    limited.close()
    assert archive.vault.totals() == (450, 450)
    assert list(chain.faults(archive.inspection.entries())) == []


def test_what_fails_in_the_middle_leaves_nothing_behind(archive: ArchiveFile) -> None:
    def interrupted() -> Iterator[Unreadable]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        archive.keep([conversation(record("c", NOW))], interrupted(), NOW)
    assert archive.vault.head() == 0
    assert keep(archive, record("d", NOW)) == 1


def test_a_reader_sees_whole_pages_only_while_another_process_writes(archive: ArchiveFile) -> None:
    with open_archive(archive.folder) as reader:

        def meanwhile() -> Iterator[Unreadable]:
            assert reader.vault.head() == 0
            yield Unreadable(b"{", "cut")

        archive.keep([conversation(record("c", NOW))], meanwhile(), NOW)
        assert (reader.vault.head(), reader.vault.count_quarantined()) == (1, 1)


def test_a_damaged_body_is_named_never_shown(archive: ArchiveFile) -> None:
    keep(archive, record("c", NOW, "hello"), record("d", NOW, "world"))
    ((body,),) = sql(archive, "SELECT body FROM bodies WHERE seq = 1")
    for damaged in (body[:-3], body[:20] + bytes([body[20] ^ 1]) + body[21:]):
        sql(archive, "UPDATE bodies SET body = ? WHERE seq = 1", damaged)
        with pytest.raises(IntegrityError) as caught:
            archive.vault.current("c")
        assert caught.value.seq == 1
    (other,) = sql(archive, "SELECT salt, body FROM bodies WHERE seq = 2")
    sql(archive, "UPDATE bodies SET salt = ?, body = ? WHERE seq = 1", *other)
    with pytest.raises(IntegrityError):
        archive.vault.current("c")


def test_an_unknown_conversation_is_not_found(archive: ArchiveFile) -> None:
    with pytest.raises(NotFound):
        archive.vault.current("nobody")


def test_the_archive_is_closed_to_other_users(archive: ArchiveFile) -> None:
    assert archive.folder.stat().st_mode & 0o077 == 0


def test_a_conversation_is_watched_while_it_may_change(archive: ArchiveFile) -> None:
    is_open = record("c", NOW, info={"status": "OPEN", "endTimeL": -1})
    archive.keep([conversation(is_open), conversation(record("d", NOW - timedelta(days=2)))], (), NOW)
    assert archive.ledger.count_watched() == 1
    archive.keep([conversation(record("c", NOW))], (), NOW + timedelta(days=2))
    assert archive.ledger.count_watched() == 0


def test_a_run_that_was_interrupted_is_resumed_for_a_day_unless_it_was_finished(archive: ArchiveFile) -> None:
    span, day, moment = Window(NOW - timedelta(days=9), NOW), timedelta(days=1), timedelta(microseconds=1)
    first = archive.begin_run(span, NOW)
    assert archive.begin_run(span, NOW + day - moment) == first
    second = archive.begin_run(span, NOW + day)
    assert second.id != first.id
    assert second.started_at == NOW + day
    archive.finish_run(NOW + day)
    assert archive.begin_run(span, NOW + day + moment).id not in (first.id, second.id)


def test_the_second_time_that_liveperson_does_not_show_a_conversation_it_is_looked_at_no_more(
    archive: ArchiveFile,
) -> None:
    quarter, moment = timedelta(minutes=15), timedelta(microseconds=1)
    is_open = record("c", NOW - timedelta(days=2), info={"status": "OPEN", "endTimeL": -1})
    archive.keep([conversation(is_open)], (), NOW)
    for _ in range(2):  # of one and the same look
        archive.note_absent(["c"], NOW)
        assert archive.ledger.watched(NOW + quarter, NOW + quarter - moment, 9) == []
        assert archive.ledger.watched(NOW + quarter, NOW + quarter, 9) == ["c"]
    archive.note_absent(["c"], NOW + quarter)
    assert archive.ledger.count_watched() == 0
    assert archive.vault.current("c").raw == is_open


@pytest.mark.parametrize("from_hour", [0, 12, 23])
def test_a_proven_day_is_unproven_by_any_hour_of_it_also_by_its_first_and_its_last(
    archive: ArchiveFile, from_hour: int
) -> None:
    hour = timedelta(hours=1)
    day = Window(NOW - 72 * hour, NOW - 48 * hour)
    archive.record([WindowReading(day, WindowState.SEALED, 0, 0, 0, 0, "")], run=None, now=NOW)
    assert archive.ledger.sealed() == [day]
    start = day.start + from_hour * hour
    archive.unseal(Window(start, start + hour), "because", NOW)
    assert archive.ledger.sealed() == []


def test_a_sealed_window_is_due_for_a_check_from_its_time_on_the_longest_due_first(archive: ArchiveFile) -> None:
    hour, moment = timedelta(hours=1), timedelta(microseconds=1)
    first, second = (Window(NOW - days * 24 * hour, NOW - days * 24 * hour + hour) for days in (9, 8))
    for window, at in ((first, NOW), (second, NOW - hour)):
        reading = WindowReading(window, WindowState.SEALED, 0, 0, 0, 0, "")
        archive.record([reading], run=None, now=at)

    def due(at: datetime) -> Window | None:
        found = archive.ledger.due_for_check(at)
        return found and found.reading.window

    assert [due(NOW - moment), due(NOW), due(NOW + 2 * hour)] == [None, second, second]  # an hour after each reading
    archive.record_check(second, NOW + 2 * hour)
    assert [due(NOW + hour - moment), due(NOW + hour), due(NOW + 9 * hour)] == [None, first, first]


FIRST_FORMAT = """
CREATE TABLE archive (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY, account TEXT NOT NULL, conversation_id TEXT NOT NULL, fetched_at TEXT NOT NULL,
    type TEXT NOT NULL, fingerprint BLOB NOT NULL, commitment BLOB NOT NULL, size INTEGER NOT NULL,
    prev BLOB NOT NULL, link BLOB NOT NULL) STRICT;
CREATE INDEX entries_by_conversation ON entries (conversation_id, seq);
CREATE TABLE bodies (seq INTEGER PRIMARY KEY REFERENCES entries (seq), salt BLOB NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE current (conversation_id TEXT PRIMARY KEY, seq INTEGER NOT NULL, messages INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
CREATE INDEX current_by_seq ON current (seq);
CREATE TABLE aside (
    digest BLOB PRIMARY KEY, fetched_at TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, started_at TEXT NOT NULL,
    finished_at TEXT) STRICT;
CREATE TABLE windows (
    start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, expected INTEGER NOT NULL,
    seen INTEGER NOT NULL, inside INTEGER NOT NULL, new INTEGER NOT NULL, read_at TEXT NOT NULL, run INTEGER NOT NULL,
    content TEXT NOT NULL, vault_head INTEGER NOT NULL, PRIMARY KEY (start_ms, end_ms)) STRICT, WITHOUT ROWID;
CREATE TABLE watch (conversation_id TEXT PRIMARY KEY, reason TEXT NOT NULL, since TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
    beat_at TEXT NOT NULL) STRICT;
INSERT INTO archive SELECT * FROM new.archive;
INSERT INTO entries SELECT * FROM new.entries WHERE type = 'record';
INSERT INTO bodies SELECT * FROM new.bodies WHERE seq IN (SELECT seq FROM entries);
INSERT INTO current SELECT conversation_id, seq, messages FROM new.current;
INSERT INTO runs VALUES (1, 0, 600000, '2026-01-01', '2026-01-01');
INSERT INTO windows VALUES (0, 600000, 'sealed', NULL, 0, 0, 0, 0, '2026-01-01', 1, '', 1);
INSERT INTO windows VALUES (600000, 1200000, 'open', 'why', 3, 0, 0, 0, '2026-01-01', 1, '', 1);
INSERT INTO watch VALUES ('c', 'open', '2026-01-01')
"""


def test_an_archive_of_the_first_format_is_brought_to_the_newest(archive: ArchiveFile, tmp_path: Path) -> None:
    keep(archive, record("c", NOW, "kept"))
    folder, newest = tmp_path / "old", tables(archive)
    folder.mkdir()
    archive.close()
    make_older(archive.folder, 5)
    connection = sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)
    connection.execute("ATTACH ? AS new", (str(archive.folder / "archive.sqlite3"),))
    for statement in FIRST_FORMAT.split(";"):
        connection.execute(statement)
    connection.execute("PRAGMA application_id = 1280328018")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    for _ in range(2):
        with open_archive(folder) as again:
            assert again.ledger.watched(NOW, NOW, 10) == ["c"]
            assert again.ledger.bookmark(Bookmark.SWEPT) is None
            assert b"kept" in again.vault.current("c").raw
            assert list(again.vault.started(600_000)) == [(int(NOW.timestamp()) // 600, 1)]
            assert [entry.type for entry, _ in again.inspection.entries()] == ["record", "window_sealed"]
            assert list(verify_vault(again, Silent())) == []
            assert tables(again) == newest


def tables(archive: ArchiveFile) -> dict[str, list[tuple[object, ...]]]:
    """The columns of every table, by name."""
    names = [row[0] for row in sql(archive, "SELECT name FROM sqlite_master WHERE type IN ('table', 'index')")]
    return {name: sql(archive, f"PRAGMA table_xinfo({name})") for name in names}
