"""Whatever is changed, removed, added or swapped behind the program's back is found."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver import app as application
from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive, open_archive
from archiver.archive.verify import Finding, verify_vault
from archiver.config.settings import StoreAddress
from archiver.harvest.harvest import Harvest
from archiver.index.build import catch_up, rebuild
from archiver.index.memory import MemoryStore
from archiver.index.results import Position, Version
from archiver.index.store import Store, open_store
from archiver.index.verify import verify_index
from archiver.liveperson.answers import read_record
from archiver.model import Window
from archiver.progress import Silent
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from archiver.transcript.projection import project
from archiver.value import replace
from tests.conftest import ACCOUNT, NOW, connected, examples, record

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A harvested archive with versions, sealed windows, and a quarantined record."""
    folder = tmp_path_factory.mktemp("whole") / "archive"
    world = World(ACCOUNT, lambda: NOW)
    world.fill(record(f"c{number:02d}", NOW - number * DAY, "hello", "world") for number in range(20))
    simulator = Simulator(world)
    with make_archive(folder, ACCOUNT) as archive:
        harvest(archive, simulator)
        for number in (3, 7):
            world.put(record(f"c{number:02d}", NOW - number * DAY, "hello", "changed", "more"))
        for number in (8, 9, 10):
            world.put(record(f"c{number:02d}", NOW - number * DAY, "hello", "** LP deleted data **"))
        world.put(record("c11", NOW - 11 * DAY, "hello", "w****"))
        harvest(archive, simulator)
        for erasure, approve in zip(archive.erasures.listed()[:2], (True, False), strict=True):
            archive.decide(erasure.seq, approve=approve, by="somebody", reason="because", now=NOW)
        harvest(archive, simulator, Window(NOW - timedelta(days=9, hours=7), NOW - timedelta(days=2, hours=3)))
        archive.keep([], [read_record(b'{"info":{}}')], NOW)  # type: ignore[list-item]
    return folder


def harvest(archive: ArchiveFile, simulator: Simulator, span: Window = Window(NOW - 25 * DAY, NOW)) -> None:  # noqa: B008
    source = connected(simulator, simulator)
    Harvest(source, archive, clock=lambda: NOW, progress=Silent()).run(span)


def copied(whole: Path, folder: Path) -> Path:
    folder.mkdir(parents=True)
    source = sqlite3.connect(whole / "archive.sqlite3")
    target = sqlite3.connect(folder / "archive.sqlite3")
    source.backup(target)
    source.close()
    target.close()
    return folder


def findings(folder: Path, head: tuple[int, str] | None = None) -> list[Finding]:
    with open_archive(folder) as archive:
        return list(verify_vault(archive, Silent(), head=head))


def test_an_archive_that_nobody_touched_has_no_findings(whole: Path) -> None:
    assert findings(whole) == []


COLUMNS = {
    "entries": (
        "account", "conversation_id", "fetched_at", "type", "fingerprint", "commitment", "size", "prev", "link", "seq",
    ),
    "bodies": ("salt", "body", "seq"),
    "current": ("conversation_id", "seq", "messages", "started_ms"),
    "erasures": (
        "conversation_id", "kind", "record", "state", "decision", "decided_at", "decided_by", "reason", "seq",
    ),
    "quarantine": ("digest", "body"),
    "windows": (
        "expected", "seen", "inside", "vault_head", "state", "reason", "new", "read_at", "run", "content", "ids",
        "certificate", "start_ms", "end_ms",
    ),
}  # fmt: skip


def changed(value: Any, dice: random.Random) -> Any:
    if value in (None, ""):
        return "?"
    if isinstance(value, int):
        return value + dice.choice([1_000, 2_000])
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    at = dice.randrange(len(raw))
    raw[at] ^= 1 << dice.randrange(7)
    return raw.decode(errors="replace") if isinstance(value, str) else bytes(raw)


def tamper(connection: sqlite3.Connection, how: str, table: str, column: str, dice: random.Random) -> None:
    key = {"current": "conversation_id", "quarantine": "digest", "windows": "start_ms"}.get(table, "seq")
    where = " WHERE state = 'sealed' AND inside > 0" if table == "windows" else ""
    rows = connection.execute(f"SELECT {key}, {column} FROM {table}{where} ORDER BY {key}").fetchall()
    row_key, value = dice.choice(rows)
    if how == "change":
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (changed(value, dice), row_key))
    elif how == "remove":
        connection.execute(f"DELETE FROM {table} WHERE {key} = ?", (row_key,))
    else:
        other_key, other = dice.choice([row for row in rows if row[0] != row_key and row[1] != value] or rows)
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (other, row_key))
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, other_key))


@given(
    how=st.sampled_from(["change", "remove", "swap"]), table=st.sampled_from(sorted(COLUMNS)),
    number=st.integers(0, 9), seed=st.integers(0, 10_000),
)  # fmt: skip
@settings(max_examples=examples(150), deadline=None)
def test_any_row_that_was_changed_removed_or_swapped_is_found(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, how: str, table: str, number: int, seed: int
) -> None:
    if (how, table) in {("remove", "quarantine"), ("swap", "quarantine"), ("swap", "windows")}:
        return  # nothing vouches for how many of these there are
    folder = copied(whole, tmp_path_factory.mktemp("copy") / "archive")
    column = COLUMNS[table][number % len(COLUMNS[table])]
    connection = sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)
    before = meaning(connection)
    with suppress(sqlite3.IntegrityError):  # two rows can't have one key
        tamper(connection, how, table, column, random.Random(seed))
    after = meaning(connection)
    connection.close()
    noted = open_archive(whole)
    end = noted.vault.end()
    noted.close()
    assert before == after or findings(folder, end), (how, table, column)


def test_an_added_entry_is_found(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "archive")
    connection = sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)
    connection.execute(
        "INSERT INTO entries SELECT max(seq) + 1, account, conversation_id, fetched_at, type, fingerprint, commitment,"
        " size, prev, link FROM entries"
    )
    connection.close()
    assert {finding.where for finding in findings(folder)} >= {"chain", "body"}


def test_a_chain_that_was_cut_off_or_made_anew_is_found_with_a_head_that_was_noted(whole: Path, tmp_path: Path) -> None:
    with open_archive(whole) as archive:
        seq, link = archive.vault.end()
    folder = copied(whole, tmp_path / "archive")
    connection = sqlite3.connect(folder / "archive.sqlite3", isolation_level=None)
    connection.execute("DELETE FROM bodies WHERE seq = ?", (seq,))
    connection.execute("DELETE FROM current WHERE seq = ?", (seq,))
    connection.execute("DELETE FROM entries WHERE seq = ?", (seq,))
    connection.close()
    assert any(finding.where == "head" for finding in findings(folder, (seq, link)))
    assert any(finding.where == "head" for finding in findings(whole, (seq, "00" * 32)))
    assert findings(whole, (seq, link)) == []


def test_every_flipped_byte_in_the_file_is_found_or_harms_nothing(whole: Path, tmp_path: Path) -> None:
    """Of a whole page of the file at a time: free space may change, what was kept may not without being told."""
    original = copied(whole, tmp_path / "original")
    raw = (original / "archive.sqlite3").read_bytes()
    dice = random.Random(3)
    for number in range(60):
        folder = tmp_path / f"flipped{number}"
        folder.mkdir()
        flipped = bytearray(raw)
        flipped[dice.randrange(100, len(raw))] ^= 0xFF
        (folder / "archive.sqlite3").write_bytes(flipped)
        try:
            found = findings(folder)
        except Exception as error:  # noqa: BLE001
            assert type(error).__module__ == "archiver.errors", error
            continue
        assert found or contents(folder) == contents(original)


def contents(folder: Path) -> list[Any]:
    connection = sqlite3.connect(folder / "archive.sqlite3")
    found = meaning(connection)
    connection.close()
    return found


def meaning(connection: sqlite3.Connection) -> list[Any]:
    """What the file says, bodies unpacked: a byte of a compressed frame may change and its content not."""
    rows: list[Any] = []
    for table, columns in COLUMNS.items():
        for row in connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY 1, 2"):
            rows.append([unpacked(value) if table in ("bodies", "quarantine") else value for value in row])
    return rows


def unpacked(value: Any) -> Any:
    try:
        return zstandard.decompress(value)
    except (zstandard.ZstdError, TypeError):
        return value


# ── the index ──


@pytest.fixture
def indexed(whole: Path, tmp_path: Path) -> Any:
    with open_archive(copied(whole, tmp_path / "archive")) as archive:
        store = open_store(StoreAddress(), folder=archive.folder, archive_id=archive.id)
        catch_up(archive, store, Silent())
        yield archive, store
        store.close()


def of_index(archive: ArchiveFile, store: Store) -> list[str]:
    return [finding.message for finding in verify_index(archive, store, Silent())]


def test_an_index_that_holds_just_the_vault_has_no_findings(indexed: Any) -> None:
    assert of_index(*indexed) == []


def test_an_index_that_is_behind_is_told(indexed: Any) -> None:
    archive, store = indexed
    archive.keep([read_record(record("new", NOW))], (), NOW)
    assert "archiver reindex" in of_index(archive, store)[0]


def test_what_the_index_has_too_much_or_too_little_is_named_and_a_rebuild_cures_it(indexed: Any) -> None:
    archive, store = indexed
    record_ = archive.vault.current("c05")
    with store.writing(expected=2) as writer:
        shorter, stranger = project(record("c05", NOW - 5 * DAY, "hello")), project(record("stranger", NOW, "hi"))
        versions = [Version(record_.seq, shorter), Version(record_.seq, stranger)]
        writer.replace(versions, applied=Position(*archive.vault.end()))
    words = " ".join(of_index(archive, store))
    assert "stranger" in words
    assert "1 conversation: of another content: c05" in words
    rebuild(archive, store, Silent())
    assert of_index(archive, store) == []


def test_what_the_index_refused_is_named_and_not_missed(archive: ArchiveFile) -> None:
    broken = replace(read_record(record("broken", NOW, "hello")), raw=b"{")  # type: ignore[type-var]
    archive.keep([read_record(record("c", NOW, "hello")), broken], (), NOW)  # type: ignore[list-item]
    store = MemoryStore()
    catch_up(archive, store, Silent())
    (finding,) = of_index(archive, store)
    assert finding.startswith("conversation broken is refused: the record is not readable")


def test_the_index_of_a_damaged_file_is_not_compared_with_it(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path / "archive")
    with application.open(folder) as opened:
        assert {finding.where for finding in opened.verify()} == {"index"}  # there is none yet
    file = folder / "archive.sqlite3"
    raw = file.read_bytes()
    file.write_bytes(raw[:36] + b"\0\0\0\7" + raw[40:])  # how many pages of the file are free
    with application.open(folder) as opened:
        assert {finding.where for finding in opened.verify()} == {"file"}
