"""The audit log: nothing is lost, and nothing is changed unnoticed."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from archiver.archive import AuditLog
from archiver.archive.audit_log import AUDIT_FILE
from archiver.errors import ArchiveError


def event(number: int) -> dict[str, object]:
    return {
        "event": {"action": "search", "outcome": "success"},
        "user": {"name": "ed"},
        "archive": {"query": f"q{number} ü"},
    }


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    made = AuditLog(tmp_path)
    for number in range(1, 8):
        made.append(event(number))
    made.close()
    return made


def change(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / AUDIT_FILE)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_events_come_back_in_order_with_their_numbers_and_hashes(log: AuditLog) -> None:
    numbers = [item["event"]["sequence"] for item in log.events()]
    assert numbers == list(range(1, 8))
    assert [item["event"]["sequence"] for item in log.events(is_newest_first=True)] == numbers[::-1]
    assert list(log.faults()) == []
    assert list(log.faults(log.head())) == []


def test_a_stranger_can_check_what_is_exported_with_a_few_lines(log: AuditLog) -> None:
    before = bytes(32)
    for item in log.events():
        line = json.loads(json.dumps(item))
        stated = line["event"].pop("hash")
        before = hashlib.sha256(before + json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()).digest()
        assert before.hex() == stated


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE events SET event = replace(event, 'q3', 'q9') WHERE seq = 3", "event 3"),
        ("UPDATE events SET hash = zeroblob(32) WHERE seq = 4", "event 4"),
        ("DELETE FROM events WHERE seq = 5", "event 5 is missing"),
        ("DELETE FROM events WHERE seq < 3", "events 1 to 2 are missing"),
        ("UPDATE events SET seq = seq + 10 WHERE seq = 7", "events 7 to 16 are missing"),
        ("UPDATE events SET event = (SELECT event FROM events WHERE seq = 2) WHERE seq = 6", "event 6"),
        ("UPDATE events SET event = 'x' WHERE seq = 1", "event 1"),
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM events WHERE seq = 1; END", "trigger 't'"),
    ],
)  # fmt: skip
def test_every_change_is_found(log: AuditLog, tmp_path: Path, statement: str, named: str) -> None:
    change(tmp_path, statement)
    faults = list(log.faults())
    assert any(named in fault for fault in faults), faults


def test_a_log_that_was_cut_off_or_written_anew_is_found_by_a_head_that_was_noted(
    log: AuditLog, tmp_path: Path
) -> None:
    head = log.head()
    change(tmp_path, "DELETE FROM events WHERE seq > 5")
    assert list(log.faults()) == []
    assert "the log ends with event 5" in " ".join(log.faults(head))
    (tmp_path / AUDIT_FILE).unlink()
    anew = AuditLog(tmp_path)
    for number in range(10, 18):
        anew.append(event(number))
    assert list(anew.faults()) == []
    assert "event 7 is another one" in " ".join(anew.faults(head))
    anew.close()


def test_a_log_that_is_removed_or_replaced_while_it_is_written_is_an_error(log: AuditLog, tmp_path: Path) -> None:
    log.append(event(8))
    (tmp_path / AUDIT_FILE).unlink()
    for _ in range(2):
        with pytest.raises(ArchiveError, match="removed or replaced"):
            log.append(event(9))


def test_a_log_whose_newest_part_is_removed_while_it_is_written_is_an_error(log: AuditLog, tmp_path: Path) -> None:
    log.append(event(8))
    (tmp_path / f"{AUDIT_FILE}-wal").unlink()  # SQLite holds the newest events there, and goes on writing into it
    for _ in range(2):
        with pytest.raises(ArchiveError, match="removed or replaced"):
            log.append(event(9))


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM events WHERE seq = 8", "DELETE FROM events", "UPDATE events SET hash = x'00' WHERE seq = 8"],
)
@pytest.mark.parametrize("is_closed", [False, True])
def test_events_that_are_removed_while_a_log_is_written_are_missed(
    log: AuditLog, tmp_path: Path, statement: str, is_closed: bool
) -> None:
    log.append(event(8))
    if is_closed:
        log.close()
    change(tmp_path, statement)
    for _ in range(2):
        with pytest.raises(ArchiveError, match="events were removed"):
            log.append(event(9))


def test_a_log_that_others_write_and_close_goes_on(log: AuditLog, tmp_path: Path) -> None:
    for number in range(8, 14):
        log.append(event(number))
        other = AuditLog(tmp_path)
        other.append(event(number))
        assert other.head().seq == log.head().seq
        other.close()
        if number % 2:
            log.close()
    assert list(log.faults()) == []


def test_a_log_that_was_removed_is_found_by_a_head_that_was_noted(log: AuditLog, tmp_path: Path) -> None:
    head = log.head()
    (tmp_path / AUDIT_FILE).unlink()
    assert list(log.faults(head)) != []
    assert log.head().seq == 0


def test_writers_at_the_same_time_make_one_chain(tmp_path: Path) -> None:
    def write() -> None:
        log = AuditLog(tmp_path)
        for number in range(25):
            log.append(event(number))
        log.close()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log = AuditLog(tmp_path)
    assert list(log.faults()) == []
    assert log.head().seq == 150


def test_what_was_written_is_there_after_the_writer_was_killed(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom archiver.archive import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\nwhile True:\n"
        "    print(log.append({'event': {}, 'user': {}}).seq, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
        told += [int(line) for line in process.stdout if line.endswith("\n")]
    log = AuditLog(tmp_path)
    assert list(log.faults()) == []
    assert log.head().seq >= max(told)


def test_the_log_is_for_its_owner_only(log: AuditLog, tmp_path: Path) -> None:
    assert (tmp_path / AUDIT_FILE).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_bytes(b"no database at all" * 99), lambda path: os.truncate(path, 3000)]
)
def test_a_damaged_file_is_an_error_and_no_empty_log(
    log: AuditLog, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path / AUDIT_FILE)
    with pytest.raises(ArchiveError):
        log.append(event(9))
    with pytest.raises(ArchiveError):
        list(log.faults())
