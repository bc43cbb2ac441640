"""What was read lately is never taken for what the archive holds now."""

from __future__ import annotations

import shutil
from pathlib import Path

from archiver.app import Archive
from archiver.config import find_settings
from archiver.index import RecentReadings
from tests.conftest import NOW, record
from tests.pages import kept


def found(folder: Path, recent: RecentReadings) -> list[str]:
    with Archive(find_settings({"archive": str(folder)})) as archive:
        archive.recent = recent
        hits = archive.search("hello").results().hits
        return [message.text for hit in hits for message in hit.transcript.messages]


def test_an_archive_that_was_brought_back_is_not_answered_from_what_was_read_before(tmp_path: Path) -> None:
    folder, backup, recent = tmp_path / "archive", tmp_path / "backup", RecentReadings(100)
    shutil.copytree(kept(folder, record("b", NOW, "nothing")), backup)
    assert found(kept(folder, record("c", NOW, "hello of the first history")), recent) == ["hello of the first history"]
    shutil.rmtree(folder)
    shutil.copytree(backup, folder)  # the same archive, in which the next entry has the same number
    assert found(kept(folder, record("c", NOW, "hello of the second")), recent) == ["hello of the second"]
