"""Whatever stands in the archive's file, no command crashes, answers wrongly, or forgets a conversation."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.archive.file import ArchiveFile
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import make_archive, open_archive
from archiver.errors import ArchiveError, ArchiverError, IntegrityError, Locked
from archiver.harvest.fetch import Fetch
from archiver.harvest.ingest import Ingest
from archiver.harvest.lookups import Lookups
from archiver.harvest.window_reader import WindowReader
from archiver.progress import Silent
from archiver.service.lanes import make_lanes
from archiver.service.schedule import Schedule
from archiver.simulator.services import Simulator
from tests import garbage
from tests.conftest import ACCOUNT, NOW, connected, examples, record, sql
from tests.garbage import COMMANDS, OPEN_ID, Answer, copied, put, run, run_all

DAY = timedelta(days=1)
FILE = "archive.sqlite3"
STEERING = ("watch", "bookmarks", "runs", "lease")
DERIVED = ("current", "erasures", "windows")
MENDED = ("search", "show", "show open", "export", "export of a query", "erasures")


class Lively(NamedTuple):
    folder: Path
    simulator: Simulator
    answers: dict[str, Answer]

    def __repr__(self) -> str:
        return f"Lively({self.folder})"  # Hypothesis refuses to report an example with the whole of it


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> Lively:
    """An archive, the account that it was harvested from, in which a conversation has changed, and all its answers."""
    folder = tmp_path_factory.mktemp("lively") / "archive"
    world, simulator = garbage.lively(folder)
    world.put(record(OPEN_ID, NOW - DAY, "hello", "open", "changed", **garbage.IS_OPEN))
    return Lively(folder, simulator, run_all(folder))


@pytest.fixture
def folder(lively: Lively, tmp_path: Path) -> Path:
    return copied(lively[0], tmp_path / "archive")


def damaged(lively: Lively, to: Path, table: str, dice: random.Random) -> Path:
    """A copy with garbage in one column of a table, if SQLite accepts it."""
    folder = copied(lively[0], to)
    table, column, type_, may_be_null = dice.choice([item for item in garbage.columns(folder) if item[0] == table])
    put(folder, table, column, type_, dice.choice(garbage.values(type_, may_be_null=may_be_null)))
    return folder


def broken(lively: Lively, to: Path, table: str | None, dice: random.Random) -> Path:
    """A copy with garbage in a table, or without a table's name with damaged bytes."""
    if table:
        return damaged(lively, to, table, dice)
    folder = copied(lively[0], to)
    (folder / FILE).write_bytes(flipped((folder / FILE).read_bytes(), dice))
    return folder


def test_no_garbage_was_made_where_there_is_none(lively: Lively) -> None:
    assert {name: answer.code for name, answer in lively[2].items() if name != "doctor"} == dict.fromkeys(
        [name for name in COMMANDS if name != "doctor"], 0
    )


# ── rows ──

EVERY_TABLE = (*STEERING, *DERIVED, "entries", "bodies", "quarantine", "archive", "dictionary")


@given(table=st.sampled_from(EVERY_TABLE), seed=st.integers(0, 10**6))
@settings(max_examples=examples(100), deadline=None)
def test_with_garbage_in_any_column_every_command_answers_as_before_or_says_that_it_can_not(
    lively: Lively, tmp_path_factory: pytest.TempPathFactory,
    table: str, seed: int,
) -> None:  # fmt: skip
    folder = damaged(lively, tmp_path_factory.mktemp("row") / "archive", table, random.Random(seed))
    after = run_all(folder)
    garbage.check_nothing_is_silently_wrong(lively[2], after)
    if table in STEERING:
        assert {name for name, answer in after.items() if answer.code} <= {"verify", "doctor"}


@pytest.mark.parametrize("value", garbage.TEXTS)
def test_an_unreadable_time_of_a_version_whose_text_was_removed_is_named(
    lively: Lively, folder: Path, value: object
) -> None:
    decide(folder, lively.simulator)
    before = run_all(folder)
    removed = "type = 'record' AND conversation_id = 'c06' AND seq NOT IN (SELECT seq FROM bodies)"
    assert put(folder, "entries", "fetched_at", "TEXT", value, removed)
    garbage.check_nothing_is_silently_wrong(before, run_all(folder))
    assert run(folder, "show", "c06").code in (0, 9)
    assert run(folder, "verify").code == 9


@given(table=st.sampled_from((*STEERING, *DERIVED)), seed=st.integers(0, 10**6))
@settings(max_examples=examples(60), deadline=None)
def test_what_is_no_evidence_is_repaired_and_then_nothing_is_wrong(
    lively: Lively, tmp_path_factory: pytest.TempPathFactory,
    table: str, seed: int,
) -> None:  # fmt: skip
    folder = damaged(lively, tmp_path_factory.mktemp("repaired") / "archive", table, random.Random(seed))
    assert run(folder, "verify", "--repair", "--json").code == 0
    assert run(folder, "verify").code == 0
    after = run_all(folder)
    meanings = [{name: garbage.MEANING.get(name, str)(of[name].out) for name in MENDED} for of in (after, lively[2])]
    assert meanings[0] == meanings[1]


@given(table=st.sampled_from((*STEERING, "windows")), seed=st.integers(0, 10**6))
@settings(max_examples=examples(60), deadline=None)
def test_an_open_conversation_is_looked_up_again_whatever_stands_in_the_rows_that_steer(
    lively: Lively, tmp_path_factory: pytest.TempPathFactory,
    table: str, seed: int,
) -> None:  # fmt: skip
    folder = damaged(lively, tmp_path_factory.mktemp("steered") / "archive", table, random.Random(seed))
    with open_archive(folder) as archive:
        look_up(archive, lively[1], NOW + 3 * DAY)
        assert b"changed" in archive.vault.current(OPEN_ID).raw


def look_up(archive: ArchiveFile, simulator: Simulator, now: datetime) -> None:
    ingest = Ingest(connected(simulator, simulator), archive, clock=lambda: now, progress=Silent())
    with ingest.exclusive():
        Lookups(ingest).recheck_all(seen_before=now, due_by=now)


@given(table=st.sampled_from([*EVERY_TABLE, None]), seed=st.integers(0, 10**6))
@settings(max_examples=examples(50), deadline=None)
def test_what_writes_goes_on_or_says_that_it_can_not(
    lively: Lively, tmp_path_factory: pytest.TempPathFactory, table: str | None, seed: int
) -> None:
    folder = broken(lively, tmp_path_factory.mktemp("written") / "archive", table, random.Random(seed))
    for work in (fetch, decide, look_up_and_sweep, harvest, reindex, repair):
        with suppress(ArchiverError):
            work(folder, lively[1])


def fetch(folder: Path, simulator: Simulator) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        source = connected(simulator, simulator)
        Fetch(source, archive, clock=lambda: NOW + DAY, progress=Silent()).run(["c03", OPEN_ID])


def decide(folder: Path, simulator: Simulator) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        for erasure in archive.erasures.listed():
            archive.decide(erasure.seq, approve=True, by="somebody", reason=None, now=NOW + DAY)


def look_up_and_sweep(folder: Path, simulator: Simulator) -> None:
    """Some steps of each kind of work of a service."""
    with make_archive(folder, ACCOUNT) as archive:
        source = connected(simulator, simulator)
        ingest = Ingest(source, archive, clock=lambda: NOW + DAY, progress=Silent())
        with ingest.exclusive():
            for lane in make_lanes(ingest, WindowReader(ingest), Schedule()):
                lane.step(NOW + DAY)
            archive.heartbeat(NOW + DAY)
            archive.covering(NOW + DAY).between()


def harvest(folder: Path, simulator: Simulator) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        garbage.harvest(archive, simulator, DAY)


def reindex(folder: Path, simulator: Simulator) -> None:
    run(folder, "reindex")


def repair(folder: Path, simulator: Simulator) -> None:
    run(folder, "verify", "--repair")


@pytest.mark.parametrize("due_at", ["", "zzz", "9999-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00", None])
def test_a_sealed_window_is_compared_again_whatever_its_row_says_when(folder: Path, due_at: str | None) -> None:
    with open_archive(folder) as archive:
        sealed = archive.ledger.sealed()
        sql(archive, "UPDATE windows SET due_at = ?", due_at)
        sql(archive, "UPDATE windows SET checks = -9 WHERE state = 'sealed'")
        archive.acquire_lease(NOW + DAY)
        for _ in sealed:
            due = archive.ledger.due_for_check(NOW + DAY)
            assert due is not None
            assert due.checks == 0
            archive.record_check(due.reading.window, NOW + 2 * DAY)
        assert archive.ledger.due_for_check(NOW + DAY) is None


def test_a_window_whose_row_was_altered_proves_nothing_any_more(folder: Path) -> None:
    with open_archive(folder) as archive:
        (window, *_) = archive.ledger.sealed()
        assert archive.ledger.is_sealed(window)
        sql(archive, "UPDATE windows SET new = new + 1")
        assert archive.ledger.sealed() == []
        assert not archive.ledger.is_sealed(window)
        assert window in [unproven for unproven, _ in archive.ledger.unproven()]


def test_a_repair_proves_windows_by_the_chain_alone(folder: Path) -> None:
    with open_archive(folder) as archive:
        sealed = archive.ledger.sealed()
        sql(archive, "UPDATE windows SET reason = 'another' WHERE start_ms % 2 = 0")
        sql(
            archive,
            "UPDATE windows SET start_ms = start_ms - 600000 WHERE start_ms = (SELECT min(start_ms) FROM windows)",
        )
    assert run(folder, "verify", "--repair").code == 0
    with open_archive(folder) as archive:
        assert archive.ledger.sealed() == sealed


def test_a_sweep_of_changes_begins_with_the_first_record_where_its_bookmark_can_t_be_true(folder: Path) -> None:
    with open_archive(folder) as archive:
        for at in ("zzz", "2999-01-01T00:00:00+00:00"):
            sql(archive, "UPDATE bookmarks SET at = ?", at)
            archive.acquire_lease(NOW + DAY)
            assert archive.ledger.bookmark(Bookmark.SWEPT) is None
        assert archive.ledger.first_begun() == NOW


@pytest.mark.parametrize("beat_at", ["2999-01-01T00:00:00+00:00", "zzz", "", "2026-06-15T12:15:01+00:00"])
def test_a_lease_from_the_future_or_of_no_time_locks_nobody_out(archive: ArchiveFile, beat_at: str) -> None:
    archive.acquire_lease(NOW)
    sql(archive, "UPDATE lease SET host = 'elsewhere', beat_at = ?", beat_at)
    with open_archive(archive.folder) as other:
        other.acquire_lease(NOW)


@pytest.mark.parametrize("pid", [0, -1, 2**62])
def test_a_lease_of_a_process_that_can_not_be_locks_nobody_out(archive: ArchiveFile, pid: int) -> None:
    archive.acquire_lease(NOW)
    sql(archive, "UPDATE lease SET pid = ?", pid)
    with open_archive(archive.folder) as other:
        other.acquire_lease(NOW)


def test_a_lease_a_little_ahead_is_one_of_a_clock_that_differs(archive: ArchiveFile) -> None:
    archive.acquire_lease(NOW)
    sql(archive, "UPDATE lease SET host = 'elsewhere', beat_at = '2026-06-15T12:14:00+00:00'")
    with open_archive(archive.folder) as other, pytest.raises(Locked):
        other.acquire_lease(NOW)


def test_a_run_of_the_future_is_not_resumed_and_a_sealed_window_of_an_older_run_is_read_again(folder: Path) -> None:
    with open_archive(folder) as archive:
        sql(archive, "UPDATE runs SET started_at = '2999-01-01T00:00:00+00:00', finished_at = NULL")
        resumed = archive.begin_run(garbage.SPAN, NOW + DAY)
        assert resumed.started_at == NOW + DAY
        sql(archive, "DELETE FROM runs")
        first = archive.begin_run(garbage.SPAN, NOW + DAY)  # its number was given to an earlier run
        assert archive.ledger.sealed(first) == []
        assert archive.ledger.sealed() != []


# ── the list of erasures ──


def test_nothing_is_removed_by_a_list_of_erasures_that_the_chain_contradicts(folder: Path) -> None:
    with open_archive(folder) as archive:
        (pending,) = archive.erasures.listed()
        older = archive.vault.older_bodies(pending.conversation_id, 10**6)
        sql(archive, "UPDATE erasures SET record = 1000000")
        with pytest.raises(IntegrityError, match="not what the chain says"):
            archive.decide(pending.seq, approve=True, by="somebody", reason=None, now=NOW)
        assert archive.vault.older_bodies(pending.conversation_id, 10**6) == older


def test_an_erasure_in_no_known_state_waits_for_a_decision_and_the_list_says_that_it_is_wrong(folder: Path) -> None:
    with open_archive(folder) as archive:
        sql(archive, "UPDATE erasures SET state = 'whatever'")
        assert [erasure.state for erasure in archive.erasures.listed()] == ["pending"]
        assert archive.erasures.count_pending() == 1
        assert "verify --repair" in archive.erasures.doubts()[0]


# ── foreign parts ──

FOREIGN = {
    "trigger": "CREATE TRIGGER forget AFTER INSERT ON watch BEGIN DELETE FROM watch; END",
    "view": 'CREATE VIEW "odd "" name" AS SELECT * FROM watch',
    "index": "CREATE UNIQUE INDEX one_a_day ON watch (due_at)",
    "changed index": "DROP INDEX watch_by_due; CREATE UNIQUE INDEX watch_by_due ON watch (due_at)",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_trigger_view_or_index_is_named_keeps_everything_from_being_written_and_is_removed_by_a_repair(
    folder: Path, what: str
) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.executescript(FOREIGN[what])
    with open_archive(folder) as archive, pytest.raises(ArchiveError, match="may change what is written"):
        archive.acquire_lease(NOW + DAY)
    assert '"where": "schema"' in run(folder, "verify", "--json").out
    assert run(folder, "verify", "--repair").code == 0
    with open_archive(folder) as archive:
        archive.acquire_lease(NOW + DAY)


def test_a_foreign_table_is_named_and_nobody_s_rows_are_thrown_away(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.executescript("CREATE TABLE notes (x); INSERT INTO notes VALUES ('mine')")
        connection.commit()
    assert run(folder, "verify", "--repair").code == 9
    with open_archive(folder) as archive:
        archive.acquire_lease(NOW + DAY)
        assert sql(archive, "SELECT x FROM notes") == [("mine",)]


def test_a_missing_index_is_named_and_made_again(folder: Path) -> None:
    with open_archive(folder) as archive:
        sql(archive, "DROP INDEX current_by_seq")
    assert "current_by_seq is missing" in run(folder, "verify").out
    assert run(folder, "verify", "--repair").code == 0


def test_a_table_that_was_made_otherwise_is_named(folder: Path) -> None:
    with closing(sqlite3.connect(folder / FILE)) as connection:
        connection.executescript(
            "CREATE TABLE other (name TEXT PRIMARY KEY, at TEXT NOT NULL UNIQUE);"
            "INSERT INTO other SELECT * FROM bookmarks GROUP BY at; DROP TABLE bookmarks;"
            "ALTER TABLE other RENAME TO bookmarks"
        )
    assert "the table bookmarks was made otherwise" in run(folder, "verify").out


# ── bytes ──


def flipped(raw: bytes, dice: random.Random) -> bytes:
    """With a bit or byte changed, a page overwritten or put elsewhere, or cut off."""
    changed, how = bytearray(raw), dice.randrange(5)
    page, other = (dice.randrange(len(raw) // 4096) * 4096 for _ in range(2))
    if how == 0:
        changed[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
    elif how == 1:
        changed[page + dice.randrange(100)] = dice.randrange(256)
    elif how == 2:
        changed[page : page + 4096] = dice.choice([b"\0", b"\xff"]) * 4096
    elif how == 3:
        changed[page : page + 4096] = changed[other : other + 4096]
    else:
        del changed[dice.randrange(len(raw)) :]
    return bytes(changed)


@given(seed=st.integers(0, 10**9))
@settings(max_examples=examples(120), deadline=None)
def test_with_any_damage_to_its_bytes_every_command_answers_as_before_or_says_that_it_can_not(
    lively: Lively, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = broken(lively, tmp_path_factory.mktemp("bytes") / "archive", None, random.Random(seed))
    garbage.check_nothing_is_silently_wrong(lively[2], run_all(folder))


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def of_another_program(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE t (x)")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def no_database(file: Path) -> None:
    file.write_text("no database " * 1000)


def with_a_log_of_garbage(file: Path) -> None:
    file.with_name(f"{FILE}-wal").write_bytes(b"\xff" * 8192)


def emptied_beside_its_log(file: Path) -> None:
    (file.parent / "kept").mkdir()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE bookmarks SET at = at")
        connection.commit()
        shutil.copy(f"{file}-wal", file.parent / "kept")
    emptied(file)
    shutil.copy(file.parent / "kept" / f"{FILE}-wal", f"{file}-wal")


@pytest.mark.parametrize(
    "replace", [emptied, of_another_program, a_folder, no_database, with_a_log_of_garbage, emptied_beside_its_log]
)
def test_what_is_no_archive_is_told_by_every_command_and_not_touched(
    folder: Path, replace: Callable[[Path], None]
) -> None:
    replace(folder / FILE)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    after = run_all(folder)
    assert {name: answer.code for name, answer in after.items()} == {**dict.fromkeys(COMMANDS, 6), "doctor": 9}
    with pytest.raises(ArchiveError):
        make_archive(folder, ACCOUNT)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_the_log_of_another_archive_is_never_applied(tmp_path: Path) -> None:
    """A log that holds all of the other archive, whose process was killed before it wrote its file."""
    ours, other = tmp_path / "ours", tmp_path / "other"
    make_archive(ours, ACCOUNT).close()
    with make_archive(other, ACCOUNT) as archive:
        sql(archive, "UPDATE archive SET value = x'39' WHERE name = 'account'")  # on the page that holds its id
        shutil.copy(other / f"{FILE}-wal", ours)
    before = (ours / FILE).read_bytes()
    with pytest.raises(ArchiveError, match="log of another archive"):
        open_archive(ours)
    assert (ours / FILE).read_bytes() == before


def test_opening_an_archive_again_gives_up_no_lock_of_this_process(archive: ArchiveFile) -> None:
    """Another process must not take the log away while this one has the archive open."""
    for name in (Bookmark.SWEPT, Bookmark.TAILED):  # the first transaction empties the log
        archive.set_bookmark(name, NOW)
    open_archive(archive.folder).close()
    code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('DELETE FROM lease'); c.commit()"
    subprocess.run([sys.executable, "-c", code, str(archive.folder / FILE)], check=True)
    assert (archive.folder / f"{FILE}-wal").exists()


def test_a_killed_process_s_log_is_its_own_and_applied(tmp_path: Path) -> None:
    ours, killed = tmp_path / "ours", tmp_path / "killed"
    with make_archive(ours, ACCOUNT) as archive:
        archive.set_bookmark(Bookmark.SWEPT, NOW)
        shutil.copytree(ours, killed)
    with open_archive(killed) as archive:
        assert archive.ledger.bookmark(Bookmark.SWEPT) == NOW
