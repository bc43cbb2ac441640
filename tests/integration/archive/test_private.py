"""Whatever is written is for its owner only, whatever the umask is, also in a folder that existed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver import app, doctor
from archiver.archive.ledger import Bookmark
from archiver.archive.opening import make_archive, open_archive
from archiver.config import find_settings
from tests import garbage
from tests.conftest import ACCOUNT, NOW
from tests.garbage import run


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o177])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def check_private(found: dict[str, int]) -> None:
    assert len(found) > 3
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}


def test_an_archive_and_its_index_are_for_their_owner_only(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "above" / "archive"
    (tmp_path / "above").mkdir()
    (tmp_path / "above").chmod(0o755)
    garbage.lively(folder)
    with open_archive(folder) as archive:
        archive.set_bookmark(Bookmark.SWEPT, NOW)
        assert {f"archive.sqlite3{end}" for end in ("", "-wal", "-shm")} <= modes(folder).keys()
        check_private(modes(folder))
    with app.open(folder) as opened:
        opened.reindex()
        check_private(modes(folder))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_existed_keeps_its_mode_and_what_is_made_in_it_is_for_its_owner_only(
    tmp_path: Path, umask: int
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    folder.chmod(0o755)
    with make_archive(folder, ACCOUNT) as archive:
        archive.set_bookmark(Bookmark.SWEPT, NOW)
        assert set(modes(folder).values()) == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("before", [None, 0o644])
def test_an_export_is_for_its_owner_only_also_where_a_file_of_that_name_was_open_to_all(
    tmp_path: Path, umask: int, before: int | None
) -> None:
    garbage.lively(tmp_path / "archive")
    export = tmp_path / "export.ndjson"
    for path in (export, tmp_path / "export.ndjson.part"):
        if before:
            path.touch()
            path.chmod(before)
    assert run(tmp_path / "archive", "export", "--force", "--output", str(export)).code == 0
    assert export.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "export.ndjson.part").exists()


def test_an_archive_that_others_may_read_is_named_by_the_doctor(tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    make_archive(folder, ACCOUNT).close()
    settings = find_settings({"archive": str(folder), "account": ACCOUNT})

    def check() -> doctor.Check:
        found = doctor.examine(lambda: settings, is_offline=True)
        return next(item for item in found if item.name == "archive")

    assert check().verdict is doctor.Verdict.PASS
    folder.chmod(0o755)
    assert check().verdict is doctor.Verdict.PASS  # its files are closed
    (folder / "archive.sqlite3").chmod(0o640)
    assert "archive.sqlite3" in check().cause
    assert "chmod" in (check().advice or "")
