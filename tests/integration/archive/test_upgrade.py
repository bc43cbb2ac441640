"""The dictionary that bodies are compressed with, and the upgrade of archives that have none yet."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from archiver.app import Archive
from archiver.archive import (
    ArchiveFile,
    WindowReading,
    WindowState,
    make_archive,
    open_archive,
    verify_vault,
)
from archiver.archive.bodies import dictionary_of
from archiver.archive.recompression import SAMPLE
from archiver.archive.tables import PAGE_BYTES, VERSION
from archiver.archive.training import train
from archiver.choices import Policies, Policy
from archiver.config import find_settings
from archiver.errors import ArchiveError, IntegrityError, Locked
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.progress import Silent
from archiver.received import Conversation, Unreadable
from tests.conftest import ACCOUNT, NOW, record, sql
from tests.formats import make_older

GREETING = ("Welcome to Example Brand!", "How may I help you today?", "One moment, please.", "Thank you for waiting.")
SECRET = "my number is 0170 5550123"


def conversation(number: int, *texts: str) -> Conversation:
    found = read_record(
        record(
            f"c{number:04}", NOW - timedelta(minutes=number), *GREETING, *texts,
            consumerParticipants=[{"participantId": f"p{number:04}"}],
            campaign={"campaignId": "1", "campaignName": "Spring sale", "goalName": "Talk to everybody"},
        )
    )  # fmt: skip
    assert isinstance(found, Conversation)
    return found


def fill(archive: ArchiveFile, count: int, start: int = 0) -> None:
    for first in range(start, start + count, 100):
        numbers = range(first, min(first + 100, start + count))
        archive.keep([conversation(number, f"I am customer {number}") for number in numbers], (), NOW)


def dictionaries(archive: ArchiveFile) -> set[int]:
    """The ids of the dictionaries that bodies are compressed with; 0 is none."""
    return {dictionary_of(body) for (body,) in sql(archive, "SELECT body FROM bodies")}


def contents(archive: ArchiveFile) -> list[bytes | None]:
    return [raw for _, raw, _ in archive.inspection.bodies()]


def wrong(archive: ArchiveFile) -> list[str]:
    return [finding.message for finding in verify_vault(archive, Silent(), now=NOW)]


@pytest.fixture(scope="module")
def old_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an archive of the format before the dictionary."""
    folder = tmp_path_factory.mktemp("format") / "old"
    with make_archive(folder, ACCOUNT) as archive:
        fill(archive, SAMPLE + 200)
    make_older(folder, 5)
    return folder


@pytest.fixture
def old(old_archive: Path, tmp_path: Path) -> Iterator[Archive]:
    shutil.copytree(old_archive, tmp_path / "old")
    with Archive(find_settings({"archive": tmp_path / "old"}), clock=lambda: NOW) as archive:
        yield archive


def test_a_new_archive_gets_its_dictionary_with_its_thousandth_record_and_compresses_all_with_it(
    archive: ArchiveFile,
) -> None:
    fill(archive, SAMPLE - 1)
    assert dictionaries(archive) == {0}
    before = contents(archive)
    fill(archive, 101, SAMPLE - 1)
    (id_,) = dictionaries(archive)
    assert id_ != 0
    assert contents(archive)[: SAMPLE - 1] == before
    assert b"I am customer 1050" in archive.vault.current("c1050").raw
    assert wrong(archive) == []


def test_an_upgrade_makes_an_older_archive_smaller_and_changes_nothing_that_it_holds(old: Archive) -> None:
    before, head = contents(old.file), old.file.vault.noted_head()
    assert dictionaries(old.file) == {0}
    assert wrong(old.file) == []
    done = old.upgrade()
    assert (done.format, done.is_trained, done.compressed) == (VERSION, True, SAMPLE + 200)
    assert done.bytes_after < done.bytes_before
    assert done.bytes_after == (old.file.folder / "archive.sqlite3").stat().st_size
    assert (contents(old.file), old.file.vault.noted_head()) == (before, head)
    assert 0 not in dictionaries(old.file)
    assert wrong(old.file) == []
    assert sql(old.file, "PRAGMA journal_mode") == [("wal",)]
    again = old.upgrade()
    assert (again.compressed, again.bytes_after) == (0, done.bytes_after)


def test_a_record_that_an_older_format_kept_is_known_again_when_it_is_read_again(old: Archive) -> None:
    head = old.file.vault.head()
    fill(old.file, 300)
    old.upgrade()
    fill(old.file, 300)
    assert old.file.vault.head() == head
    assert old.file.vault.changed([conversation(5, "I am customer 5")]) == []


def test_text_that_was_removed_in_an_older_format_is_not_stored_again_after_the_upgrade(tmp_path: Path) -> None:
    folder, policies = tmp_path / "archive", Policies(masking=Policy.FOLLOW)
    with make_archive(folder, ACCOUNT, policies=policies) as archive:
        archive.keep([conversation(1, SECRET)], (), NOW)
        archive.keep([conversation(1, "*" * len(SECRET))], (), NOW)
        assert contents(archive)[0] is None
    make_older(folder, 5)
    with open_archive(folder, policies=policies) as archive:
        archive.keep([conversation(1, SECRET)], (), NOW + timedelta(hours=1))
        assert not any(SECRET.encode() in (raw or b"") for raw in contents(archive))


def test_removed_text_is_gone_from_the_whole_file_also_from_its_dictionary(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with make_archive(folder, ACCOUNT, policies=Policies(masking=Policy.FOLLOW)) as archive:
        archive.keep([conversation(1, SECRET)], (), NOW)
        fill(archive, SAMPLE + 100, 2)
        assert dictionaries(archive) != {0}
        assert SECRET.encode() in archive.vault.current("c0001").raw
        archive.keep([conversation(1, "*" * len(SECRET))], (), NOW)
        (digest_and_content,) = sql(archive, "SELECT digest, content FROM dictionary WHERE copy = 1")
        assert SECRET.encode() not in digest_and_content[1]
        assert not any(SECRET.encode() in (raw or b"") for raw in contents(archive))
    assert all(SECRET.encode() not in path.read_bytes() for path in folder.iterdir() if path.is_file())


def test_one_damaged_copy_of_the_dictionary_costs_nothing_and_is_put_right(old: Archive) -> None:
    old.upgrade()
    before = contents(old.file)
    for copy, other in ((1, 2), (2, 1)):
        sql(old.file, "UPDATE dictionary SET content = zeroblob(length(content)) WHERE copy = ?", copy)
        with open_archive(old.file.folder) as again:
            assert contents(again) == before
            assert [words[:22] for words in wrong(again)] == [f"copy {copy} of the dictiona"[:22]]
        old.repair()
        assert wrong(old.file) == []
        sql(old.file, "DELETE FROM dictionary WHERE copy = ?", other)
        assert len(wrong(old.file)) == 1
        old.repair()
        assert wrong(old.file) == []


def test_without_its_dictionary_no_record_is_answered_wrongly_and_nothing_new_is_lost(old: Archive) -> None:
    old.upgrade()
    sql(old.file, "UPDATE dictionary SET content = zeroblob(length(content))")
    with open_archive(old.file.folder) as again:
        with pytest.raises(IntegrityError):
            again.vault.current("c0001")
        assert wrong(again)[-1].startswith("no copy of the dictionary")
        fill(again, 100, 5000)
        assert b"I am customer 5050" in again.vault.current("c5050").raw
        fill(again, SAMPLE, 6000)
        assert len(sql(again, "SELECT 1 FROM dictionary")) == 2  # it may be restored from a backup


def test_a_damaged_body_stays_as_it_is_and_is_reported_as_before(old: Archive) -> None:
    sql(old.file, "UPDATE bodies SET body = x'28b52ffd00' WHERE seq = 7")
    before = wrong(old.file)
    assert len(before) > 0
    old.upgrade()
    assert sql(old.file, "SELECT body FROM bodies WHERE seq = 7") == [(b"\x28\xb5\x2f\xfd\x00",)]
    assert wrong(old.file) == before


def test_an_archive_with_few_records_says_so_and_stays_as_it_is(archive: ArchiveFile) -> None:
    fill(archive, 50)
    done = archive.upgrade.run(Silent(), on_batch=lambda: None)
    assert (done.is_trained, done.compressed) == (False, 0)
    assert dictionaries(archive) == {0}


def test_an_upgrade_that_was_interrupted_goes_on_from_there(old: Archive) -> None:
    batches = iter(range(2))

    def interrupt() -> None:
        if next(batches, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        old.file.upgrade.run(Silent(), on_batch=interrupt)
    assert len(dictionaries(old.file)) == 2
    assert wrong(old.file) == []
    assert old.upgrade().compressed == SAMPLE + 200 - 1000
    assert 0 not in dictionaries(old.file)


def test_while_a_harvest_runs_there_is_no_upgrade(old: Archive) -> None:
    old.file.acquire_lease(NOW)
    sql(old.file, "UPDATE lease SET pid = ?, holder = 'another'", os.getppid())
    with pytest.raises(Locked):
        old.upgrade()
    assert dictionaries(old.file) == {0}


def test_readers_go_on_while_the_file_is_written_anew(old: Archive) -> None:
    with open_archive(old.file.folder) as reader, reader.snapshot():
        before = contents(reader)
        done = old.upgrade()
        assert contents(reader) == before
    assert done.compressed == SAMPLE + 200
    assert wrong(old.file) == []
    assert sql(old.file, "PRAGMA journal_mode") == [("wal",)]


def test_a_disk_without_room_for_the_new_file_is_named_before_anything_is_written_anew(
    old: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    size = (old.file.folder / "archive.sqlite3").stat().st_size
    with pytest.raises(ArchiveError, match="1 MB are free"):
        old.upgrade()
    assert (old.file.folder / "archive.sqlite3").stat().st_size >= size
    assert wrong(old.file) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from archiver.archive import open_archive
from archiver.progress import Silent

archive, word, steps = open_archive(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
connection = archive.upgrade._connection
left = steps

def count_down():
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def note(statement):
    if word in statement:
        connection.set_progress_handler(count_down, 100)

connection.set_trace_callback(note)
archive.upgrade.run(Silent(), on_batch=lambda: None)
print("finished")
"""


@pytest.mark.parametrize(
    ("word", "steps"),
    [("BEGIN", 0), ("INSERT INTO dictionary", 0), ("UPDATE bodies", 0), ("UPDATE bodies", 30), ("COMMIT", 0),
     ("VACUUM", 0), ("VACUUM", 20), ("VACUUM", 60)],
)  # fmt: skip
def test_an_upgrade_that_is_killed_at_any_moment_loses_nothing(old: Archive, word: str, steps: int) -> None:
    before, folder = contents(old.file), old.file.folder
    old.close()
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), word, str(steps)], capture_output=True, text=True, check=False
    )
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, ""), killed.stderr
    with open_archive(folder) as again:
        assert contents(again) == before
        assert wrong(again) == []
    old.upgrade()
    assert contents(old.file) == before
    assert wrong(old.file) == []
    assert sql(old.file, "PRAGMA journal_mode") == [("wal",)]


def test_what_is_kept_after_a_training_that_was_rolled_back_can_be_read(archive: ArchiveFile) -> None:
    fill(archive, SAMPLE - 50)

    def interrupted() -> Iterator[Unreadable]:
        raise KeyboardInterrupt
        yield

    batch = [conversation(number, f"I am customer {number}") for number in range(SAMPLE - 50, SAMPLE + 50)]
    with pytest.raises(KeyboardInterrupt):
        archive.keep(batch, interrupted(), NOW)
    assert sql(archive, "SELECT 1 FROM dictionary") == []
    archive.keep(batch[:10], (), NOW)
    with open_archive(archive.folder) as again:
        assert wrong(again) == []
        assert again.vault.current(f"c{SAMPLE - 45:04}").raw == batch[5].raw
    archive.keep(batch[10:], (), NOW)
    assert 0 not in dictionaries(archive)
    assert wrong(archive) == []


def test_a_training_by_another_process_counts_after_a_rollback_of_our_own(archive: ArchiveFile) -> None:
    fill(archive, SAMPLE - 50)
    other = open_archive(archive.folder)
    batch = [conversation(number, f"I am customer {number}") for number in range(SAMPLE - 50, SAMPLE + 50)]
    with pytest.raises(KeyboardInterrupt), archive._transaction():
        archive._vault.append(batch, fetched_at=NOW)
        raise KeyboardInterrupt
    fill(other, 500, 2000)  # trains from other records
    archive.keep(batch, (), NOW)
    for each in (archive, other, open_archive(archive.folder)):
        assert wrong(each) == []
        assert each.vault.current(f"c{SAMPLE:04}").raw == batch[50].raw
        if each is not archive:
            each.close()


def test_events_between_the_records_do_not_keep_an_archive_from_its_dictionary(archive: ArchiveFile) -> None:
    fill(archive, SAMPLE - 1)
    for days in range(1, 60):
        day = Window(NOW - timedelta(days=days), NOW - timedelta(days=days - 1))
        archive.record([WindowReading(day, WindowState.SEALED, 0, 0, 0, 0, "")], run=None, now=NOW)
    fill(archive, 1, SAMPLE - 1)
    assert dictionaries(archive) != {0}


def test_a_copy_that_is_another_whole_dictionary_is_found_and_put_right(old: Archive) -> None:
    old.upgrade()
    before = contents(old.file)
    records = (record(f"x{number}", NOW, consumerParticipants=[{"participantId": str(number)}]) for number in range(99))
    stranger = train(records)
    assert stranger is not None
    for copy in (1, 2):
        digest = hashlib.sha256(stranger).digest()
        sql(old.file, "UPDATE dictionary SET content = ?, digest = ? WHERE copy = ?", stranger, digest, copy)
        assert len(wrong(old.file)) == 1
        old.repair()
        assert wrong(old.file) == []
        with open_archive(old.file.folder) as again:
            assert contents(again) == before


def test_a_new_archive_has_pages_that_hold_several_records(archive: ArchiveFile) -> None:
    assert sql(archive, "PRAGMA page_size") == [(PAGE_BYTES,)]


def test_nothing_of_an_upgrade_lies_outside_of_the_archives_folder(
    old: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setenv("SQLITE_TMPDIR", str(elsewhere))  # which is not there: SQLite could not use it
    old.upgrade()
    assert os.environ["SQLITE_TMPDIR"] == str(elsewhere)
    assert not elsewhere.exists()
