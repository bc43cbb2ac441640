"""An archive that may not be written, such as a backup, answers as ever; what needs writing says so in words."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from archiver import app
from archiver.archive.file import ArchiveFile
from archiver.archive.opening import make_archive, open_archive
from archiver.errors import ArchiveBusy, ArchiveError, StoreDenied
from archiver.liveperson.answers import read_record
from tests import garbage
from tests.conftest import ACCOUNT, NOW, record, sql
from tests.garbage import COMMANDS, MEANING, Answer, copied

FILE = "archive.sqlite3"
NOBODY = 65_534


@pytest.fixture(scope="module")
def lively(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Answer]]:
    folder = tmp_path_factory.mktemp("lively") / "archive"
    garbage.lively(folder)
    return folder, garbage.run_all(folder)


@pytest.fixture
def folder(lively: tuple[Path, dict[str, Answer]], tmp_path: Path) -> Iterator[Path]:
    """A copy that everybody may read and nobody write; the folders above it can be entered by everybody."""
    folder = copied(lively[0], tmp_path / "archive")
    with closed_for_writing(folder):
        yield folder


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """The home of the user who runs the tests is closed to others."""
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "/nonexistent")


@contextmanager
def closed_for_writing(folder: Path) -> Iterator[None]:
    for above in list(folder.parents)[:-2]:
        above.chmod(above.stat().st_mode | 0o055)
    close(folder)
    try:
        yield
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def close(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


@contextmanager
def somebody_else() -> Iterator[None]:
    """As a user whom permissions bind: root may write everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def run(folder: Path, *words: str) -> Answer:
    with somebody_else():
        return garbage.run(folder, *words)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "doctor"])
def test_every_command_that_reads_answers_as_ever_and_leaves_no_trace(
    folder: Path, lively: tuple[Path, dict[str, Answer]], name: str
) -> None:
    before = contents(folder)
    answer = run(folder, *COMMANDS[name])
    assert answer.code == 0
    meaning = MEANING.get(name, lambda out: sorted(json.loads(out)))
    assert meaning(answer.out) == meaning(lively[1][name].out)
    assert contents(folder) == before


def test_what_needs_writing_ends_with_exit_code_6_and_words(folder: Path) -> None:
    with open_archive(folder) as archive:
        (erasure,) = archive.erasures.listed()
    answer = run(folder, "erasures", "keep", str(erasure.seq), "--reason", "because")
    assert (answer.code, "read-only" in answer.error) == (6, True)
    with somebody_else(), make_archive(folder, ACCOUNT) as archive, pytest.raises(ArchiveError, match="read-only"):
        archive.acquire_lease(NOW)
    assert run(folder, "doctor", "--offline").code == 9


def test_a_search_says_what_the_index_lacks_and_finds_the_rest(
    lively: tuple[Path, dict[str, Answer]], tmp_path: Path
) -> None:
    folder = copied(lively[0], tmp_path / "archive")
    with open_archive(folder) as archive:
        archive.keep([read_record(record("c-late", NOW, "hello"))], (), NOW)  # type: ignore[list-item]
    with closed_for_writing(folder), somebody_else(), app.open(folder) as opened:
        found = opened.search("hello")
        assert "c-late" not in {hit.transcript.id for hit in found}
        assert "1 of the vault's entries not searchable yet" in found.notices[0]


@pytest.mark.parametrize("lost", ["all", "position"])
def test_without_an_index_a_search_is_an_error_that_says_what_to_do(
    lively: tuple[Path, dict[str, Answer]], tmp_path: Path, lost: str
) -> None:
    folder = copied(lively[0], tmp_path / "archive")
    if lost == "all":
        shutil.rmtree(folder / "index")
    else:
        next((folder / "index").rglob("applied.json")).unlink()
    with closed_for_writing(folder), somebody_else(), app.open(folder) as opened:
        with pytest.raises(StoreDenied) as caught:
            opened.search("hello")
        assert "Copy the archive's folder" in (caught.value.hint or "")
        assert opened.raw("c03")


def test_an_index_of_another_version_is_an_error_that_says_what_to_do(
    lively: tuple[Path, dict[str, Answer]], tmp_path: Path
) -> None:
    folder = copied(lively[0], tmp_path / "archive")
    next((folder / "index").iterdir()).rename(folder / "index" / "fields0")
    with closed_for_writing(folder):
        answer = run(folder, "search", "hello")
    assert (answer.code, "Copy the archive's folder" in answer.error) == (6, True)


# ── logs ──


def killed(folder: Path, to: Path, files: Sequence[str]) -> Path:
    """The files that a killed process leaves, as a backup copied them."""
    with open_archive(folder) as archive:
        archive.keep([read_record(record("c-last", NOW, "hello"))], (), NOW)  # type: ignore[list-item]
        to.mkdir()
        for name in files:
            shutil.copy(folder / name, to)
    return to


@pytest.mark.parametrize("files", [(FILE, f"{FILE}-wal"), (FILE, f"{FILE}-wal", f"{FILE}-shm")])
def test_what_stands_only_in_the_log_is_read_too_or_nothing_is(
    lively: tuple[Path, dict[str, Answer]], tmp_path: Path, files: tuple[str, ...]
) -> None:
    folder = killed(copied(lively[0], tmp_path / "written"), tmp_path / "archive", files)
    with closed_for_writing(folder), somebody_else():
        try:
            with open_archive(folder) as archive:
                assert b"c-last" in archive.vault.current("c-last").raw
        except ArchiveError as error:
            assert "log" in error.message
            assert "Copy the whole folder" in (error.hint or "")


def test_a_reader_without_locks_ends_when_another_process_writes(folder: Path) -> None:
    with somebody_else():
        archive = open_archive(folder)
        assert archive.vault.head() > 0
    with archive, closing(sqlite3.connect(folder / FILE)) as connection:
        connection.execute("UPDATE lease SET pid = 1")
        connection.commit()
        if os.geteuid():
            pytest.skip("this user can't write it")
        with pytest.raises(ArchiveBusy, match="while it is read"):
            archive.vault.head()


def test_an_archive_of_an_older_format_can_not_be_converted_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    with make_archive(folder, ACCOUNT) as archive:
        sql(archive, "PRAGMA user_version = 3")
    with closed_for_writing(folder):
        answer = run(folder, "status")
    assert (answer.code, "older format 3" in answer.error, "Copy" in answer.error) == (6, True, True)


def test_a_folder_that_may_not_be_entered_is_an_error_in_words(archive: ArchiveFile) -> None:
    archive.folder.chmod(0o700)
    for words in (("status",), ("search", "hello"), ("verify",)):
        answer = run(archive.folder, *words)
        assert (answer.code, "ermission" in answer.error) == (6, True)
