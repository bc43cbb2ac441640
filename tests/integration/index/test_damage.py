"""The embedded index after bits flipped, files were lost or exchanged, or the archive was restored from a backup."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tantivy

import archiver
from archiver.app import Archive
from archiver.archive.opening import make_archive
from archiver.errors import StoreError
from archiver.index.embedded.files import damaged_files
from archiver.liveperson.answers import read_record
from tests.conftest import ACCOUNT, NOW, examples, record

COUNT = 60
FLIPS_IN_A_FILE = 60  # at places spread over each file


def fill(folder: Path, *numbers: int) -> None:
    with make_archive(folder, ACCOUNT) as archive:
        raws = (record(f"c{number:03d}", NOW, f"order number {number}", "thank you") for number in numbers)
        archive.keep([read_record(raw) for raw in raws], (), NOW)  # type: ignore[misc]


def found(archive: Archive, query: str) -> list[str]:
    return sorted(hit.transcript.id for hit in archive.search(query))


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with its index."""
    folder = tmp_path_factory.mktemp("damage") / "archive"
    fill(folder, *range(COUNT))
    with archiver.open(folder) as archive:
        assert len(found(archive, "order")) == COUNT
        assert archive.verify() == []
    return folder


@pytest.fixture
def folder(indexed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(indexed, tmp_path / "archive"))


def index_files(folder: Path) -> Iterator[Path]:
    for path in sorted((folder / "index").rglob("*")):
        if path.is_file() and path.stat().st_size:
            yield path


def test_there_are_files_of_every_kind(indexed: Path) -> None:
    kinds = {path.suffix for path in index_files(indexed)}
    assert kinds >= {".term", ".idx", ".pos", ".store", ".fast", ".fieldnorm", ".json"}


def test_no_flipped_bit_in_a_file_of_the_index_goes_unnoticed(
    indexed: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each is named by `verify`, or changes neither the answers nor what the index holds."""
    dice = random.Random(7)
    unnoticed: list[str] = []
    flips = 0
    for number, path in enumerate(index_files(indexed)):
        size = path.stat().st_size
        for at in sorted({dice.randrange(size) for _ in range(examples(FLIPS_IN_A_FILE))} | {0, size - 1}):
            copy = Path(shutil.copytree(indexed, tmp_path / f"flip{number}-{at}"))
            damaged = copy / path.relative_to(indexed)
            content = bytearray(damaged.read_bytes())
            content[at] ^= 1 << dice.randrange(8)
            damaged.write_bytes(content)
            if not is_noticed(copy):
                unnoticed.append(f"{path.name} at {at} of {size}")
            shutil.rmtree(copy)
            flips += 1
    record_property("injected", flips)
    assert unnoticed == []


def is_noticed(folder: Path) -> bool:
    with archiver.open(folder) as archive:
        if archive.verify():
            return True
        return len(found(archive, "order")) == COUNT and found(archive, '"number 7"') == ["c007"]


def test_a_damaged_index_is_put_right_from_the_vault(folder: Path) -> None:
    (path,) = (folder / "index").rglob("*.term")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    with archiver.open(folder) as archive:
        assert [finding.where for finding in archive.verify()] == ["index"]
        archive.repair_index()
        assert archive.verify() == []
        assert len(found(archive, "order")) == COUNT


@pytest.mark.parametrize("suffix", [".term", ".store", ".json", ".fast"])
def test_an_index_that_lost_a_file_is_an_error_or_made_again_and_never_a_wrong_answer(
    folder: Path, suffix: str
) -> None:
    for path in list((folder / "index").rglob(f"*{suffix}")):
        path.unlink()
    with archiver.open(folder) as archive:
        try:
            assert len(found(archive, "order")) == COUNT
        except StoreError as error:
            assert "archiver reindex" in f"{error.message} {error.hint}"
            archive.reindex()
        assert len(found(archive, "order")) == COUNT
        assert archive.verify() == []


@pytest.mark.parametrize("later", [1, 4, 5])
def test_an_index_ahead_of_or_beside_a_restored_archive_is_refused_at_any_number_of_entries(
    folder: Path, tmp_path: Path, later: int
) -> None:
    """A backup of the archive's file is put back beside the newer index, and the harvest goes on to another number."""
    backup = tmp_path / "backup.sqlite3"
    shutil.copy(folder / "archive.sqlite3", backup)
    fill(folder, *range(100, 105))
    with archiver.open(folder) as archive:
        assert len(found(archive, "order")) == COUNT + 5
    shutil.copy(backup, folder / "archive.sqlite3")
    for rest in folder.glob("archive.sqlite3-*"):
        rest.unlink()
    fill(folder, *range(200, 200 + later))
    with archiver.open(folder) as archive:
        with pytest.raises(StoreError, match="another history"):
            archive.search("order")
        assert "another history" in archive.verify()[0].message
        archive.repair_index()
        assert len(found(archive, "order")) == COUNT + later
        assert archive.verify() == []


def test_the_index_of_another_archive_in_its_place_is_not_believed(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    fill(other, 7, 8)
    shutil.rmtree(folder / "index")
    with archiver.open(other) as archive:
        found(archive, "order")
    shutil.copytree(other / "index", folder / "index")
    with archiver.open(folder) as archive:
        assert len(found(archive, "order")) == COUNT


def test_what_another_process_writes_meanwhile_is_not_called_damaged(tmp_path: Path) -> None:
    index = tantivy.Index(tantivy.SchemaBuilder().add_text_field("text", stored=True).build(), path=str(tmp_path))
    writer = index.writer(15_000_000, 1)
    writer.add_document(tantivy.Document(text="finished"))
    writer.commit()
    before = set(tmp_path.iterdir())
    for number in range(10_000):
        writer.add_document(tantivy.Document(text=f"not yet finished {number} " * 40))
    for _ in range(100):
        if set(tmp_path.iterdir()) - before:
            break
        time.sleep(0.05)
    assert set(tmp_path.iterdir()) - before, "the writer has begun a segment"
    assert list(damaged_files(tmp_path)) == []
