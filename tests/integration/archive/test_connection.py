"""What is in force on every connection of an archive: durable, whole, and without what was removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from archiver.archive.connection import connect
from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive, open_archive
from archiver.choices import Policies, Policy
from archiver.errors import ArchiveError
from archiver.liveperson.answers import read_record
from archiver.received import Conversation
from tests.conftest import ACCOUNT, NOW, record
from tests.formats import make_older

FULL, ON = 2, 1  # as SQLite answers
IN_FORCE = {"synchronous": FULL, "secure_delete": ON, "foreign_keys": ON, "journal_mode": "wal"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """Every connection that is made, in order, by a SQLite that was built with other defaults."""
    made: list[sqlite3.Connection] = []
    plain = sqlite3.connect

    def keeping(*words: Any, **more: Any) -> sqlite3.Connection:
        made.append(plain(*words, **more))
        for name in ("synchronous", "secure_delete", "foreign_keys"):
            made[-1].execute(f"PRAGMA {name} = OFF")
        return made[-1]

    monkeypatch.setattr("archiver.archive.connection.sqlite3.connect", keeping)
    return made


def pragmas(connection: sqlite3.Connection) -> dict[str, object]:
    return {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in IN_FORCE}


def new(folder: Path) -> ArchiveFile:
    return make_archive(folder, ACCOUNT)


def made_again(folder: Path) -> ArchiveFile:
    make_archive(folder, ACCOUNT).close()
    return make_archive(folder, ACCOUNT)


def reopened(folder: Path) -> ArchiveFile:
    make_archive(folder, ACCOUNT).close()
    return open_archive(folder)


def of_an_older_format(folder: Path) -> ArchiveFile:
    make_archive(folder, ACCOUNT).close()
    make_older(folder, 3)
    return open_archive(folder)


def whose_journal_was_changed(folder: Path) -> ArchiveFile:
    make_archive(folder, ACCOUNT).close()
    with closing(sqlite3.connect(folder / "archive.sqlite3")) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return make_archive(folder, ACCOUNT)


@pytest.mark.parametrize("how", [new, made_again, reopened, of_an_older_format, whose_journal_was_changed])
def test_what_is_kept_is_durable_whole_and_removed_for_good_however_an_archive_is_opened(
    tmp_path: Path, opened: list[sqlite3.Connection], how: Callable[[Path], ArchiveFile]
) -> None:
    with how(tmp_path / "archive") as archive:
        assert pragmas(opened[-1]) == IN_FORCE
        first, second = read_record(record("c", NOW, "one")), read_record(record("c", NOW, "one", "two"))
        assert isinstance(first, Conversation)
        assert isinstance(second, Conversation)
        for item in (first, second):
            archive.keep([item], (), NOW)
        assert pragmas(opened[-1]) == IN_FORCE


def test_removing_text_leaves_everything_in_force(tmp_path: Path, opened: list[sqlite3.Connection]) -> None:
    with make_archive(tmp_path / "archive", ACCOUNT, policies=Policies(masking=Policy.FOLLOW)) as archive:
        for text in ("my card is 4111111111111111", "my card is ****************"):
            item = read_record(record("c", NOW, text))
            assert isinstance(item, Conversation)
            archive.keep([item], (), NOW)
        assert archive.vault.older_bodies("c", 9) == [2]
        assert pragmas(opened[-1]) == IN_FORCE
        assert opened[-1].execute("PRAGMA busy_timeout").fetchone() == (30_000,)


def test_a_body_without_its_entry_is_refused(archive: ArchiveFile) -> None:
    connection = connect(archive.folder / "archive.sqlite3")
    with closing(connection), pytest.raises(ArchiveError, match="FOREIGN KEY"):
        connection.execute("INSERT INTO bodies VALUES (7, x'00', x'00')")
